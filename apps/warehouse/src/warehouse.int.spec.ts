import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdir, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WarehouseDatabase } from './duckdb/warehouse-database.ts';
import { order, SAMPLE_SHOP, storedLogs, type SampleEvent } from './fixtures/sample-log.ts';
import { SampleWarehouse } from './fixtures/sample-warehouse.ts';

let warehouse: SampleWarehouse;
beforeEach(async () => { warehouse = await SampleWarehouse.open(); });
afterEach(() => warehouse.remove());

const CLEAN = 'customer_ref is not null and quantity > 0 and unit_price > 0';
const parquet = async (below: string): Promise<string[]> => (await readdir(join(warehouse.dir, below), { recursive: true })).filter((name) => name.endsWith('.parquet')).toSorted();
const orders = (from: number, to: number): SampleEvent[] => Array.from({ length: to - from + 1 }, (_, index) => order('placed', `o${from + index}`, '2026-01-01T00:00:00Z', [['p1', 1, '1.01']]));

describe('the star of the sample shop', () => {
  beforeEach(() => warehouse.load('shop', SAMPLE_SHOP));

  it.each<[string, unknown]>([
    ['select currency, sum(amount) as gross, count(*) as lines from order_line group by 1 order by 1', [{ currency: 'EUR', gross: '41.01', lines: 7 }, { currency: 'GBP', gross: '-11049.56', lines: 2 }]],
    [`select sum(amount) as clean, count(*) as lines, count(distinct customer_ref) as customers from order_line where ${CLEAN}`, [{ clean: '56.565', lines: 4, customers: 2 }]],
    ['select strftime(ts, \'%Y-%m\') as month, sum(amount) as value from order_line where currency = \'EUR\' group by 1 order by 1', [{ month: '2026-01', value: '41.565' }, { month: '2026-02', value: '-0.555' }]],
    ['select billing, count(*) as lines from order_line group by 1 order by 1', [{ billing: 'adjusted', lines: 1 }, { billing: 'cancelled', lines: 1 }, { billing: 'placed', lines: 6 }, { billing: 'returned', lines: 1 }]],
    ['select country, sum(amount) as value from order_line where currency = \'EUR\' group by 1 order by 2 desc', [{ country: 'DE', value: '29.9' }, { country: 'AT', value: '11.11' }]],
    ['select o.product_id, p.name, p.status from order_line o left join product p using (product_id) group by all order by 1', [
      { product_id: 'B', name: null, status: null }, { product_id: 'POST', name: null, status: null }, { product_id: 'p1', name: 'Lamp', status: 'listed' }, { product_id: 'p2', name: 'Chair', status: 'retired' }, { product_id: 'p3', name: null, status: null }]],
    ['select * from customer order by 1', [{ customer_ref: 'sub_a', country: 'FR', registered_at: '2026-01-02T08:00:00Z' }, { customer_ref: 'sub_b', country: null, registered_at: '2026-01-19T08:00:00Z' }]],
    ['select product_id, list_price, currency, listed_at, retired_at from product where status is not null order by 1', [
      { product_id: 'p1', list_price: '11.5', currency: 'EUR', listed_at: '2026-01-01T00:00:00Z', retired_at: null }, { product_id: 'p2', list_price: null, currency: null, listed_at: '2026-01-01T00:00:00Z', retired_at: '2026-03-01T00:00:00Z' }]],
    ['select product_id, name, status from product where status is null order by 1', [{ product_id: 'B', name: null, status: null }, { product_id: 'POST', name: null, status: null }, { product_id: 'p3', name: null, status: null }]],
    ['select billing, reason, count(*) as lines from order_line where reason is not null group by all', [{ billing: 'adjusted', reason: 'bad-debt', lines: 1 }]],
    ['select year_month, day_name, count(*) as lines from order_line join date using (date_key) where currency = \'GBP\' group by all order by 1', [{ year_month: '2026-01', day_name: 'Tuesday', lines: 1 }, { year_month: '2026-02', day_name: 'Saturday', lines: 1 }]],
    ['select tenant, log, position, event_id, source, line_no, line_kind from order_line where line_kind = \'postage\'', [{ tenant: 'shop', log: 'sales/0', position: 1, event_id: 'e-o1', source: 'spec', line_no: 2, line_kind: 'postage' }]],
  ])('%s', async (sql, expected) => {
    expect(await warehouse.rows(sql)).toEqual(expected);
  });

  it('has whom and what only orders name, so that an inner join loses nothing', async () => {
    const ordered = { ...order('placed', 'o9', '2026-02-20T00:00:00Z', [['p9', 1, '7.00']], { customer: 'sub_z', country: 'CH' }) };
    const lines = (ordered.data as { lines: object[] }).lines;
    const described = (description: string | undefined, id: string, time: string): SampleEvent => ({ ...ordered, id, time, data: { ...(ordered.data as object), lines: lines.map((line) => ({ ...line, description, placedAt: time })) } });
    await warehouse.load('other', [described('Old', 'a', '2026-02-20T00:00:00Z'), described('New', 'b', '2026-02-21T00:00:00Z'), described(undefined, 'c', '2026-02-22T00:00:00Z')]);
    expect(await warehouse.rows('select name, status, listed_at, sum(amount) as value from order_line join product using (product_id) group by all', 'other')).toEqual([{ name: 'New', status: null, listed_at: null, value: '21' }]);
    expect(await warehouse.rows('select c.country, registered_at, sum(amount) as value from order_line join customer c using (customer_ref) group by all', 'other')).toEqual([{ country: 'CH', registered_at: null, value: '21' }]);
  });

  it('says how many events up to those positions are parked, where any are', async () => {
    expect(await warehouse.ask('select 1 as n')).not.toHaveProperty('parked');
    await warehouse.load('other', [...orders(1, 2), { ...order('placed', 'bad', '2026-01-01T00:00:00Z', []), data: {} }]);
    expect(await warehouse.ask('select count(*) as n from order_line', 'other')).toMatchObject({ asOf: { 'sales/0': 3 }, parked: { 'sales/0': 1 }, rows: [{ n: 2 }] });
  });

  it('names the positions it answers for', async () => {
    expect((await warehouse.ask('select 1 as n')).asOf).toEqual({ 'sales/0': 8, 'customer/0': 3, 'merchandise/0': 4 });
  });

  it('is another tenant\'s in nothing', async () => {
    await warehouse.load('other', orders(1, 3));
    expect(await warehouse.ask('select tenant, count(*) as n from order_line group by 1', 'other')).toMatchObject({ asOf: { 'sales/0': 3 }, rows: [{ tenant: 'other', n: 3 }] });
    expect(await warehouse.ask('select count(*) as n from order_line where tenant <> \'shop\'')).toMatchObject({ asOf: { 'sales/0': 8 }, rows: [{ n: 0 }] });
    expect((await warehouse.rows('select count(*) as n from product_fact', 'other'))).toEqual([{ n: 0 }]);
  });

  it('is empty, and typed, for a tenant without events, who leaves no trace', async () => {
    const answer = await warehouse.ask('select sum(amount) as s, count(*) as n, max(ts) as t from order_line join date using (date_key)', 'nobody');
    expect(answer).toEqual({ asOf: {}, columns: [{ name: 's', type: 'DECIMAL(38,12)' }, { name: 'n', type: 'BIGINT' }, { name: 't', type: 'TIMESTAMP' }], rows: [{ s: null, n: 0, t: null }] });
    expect((await readdir(join(warehouse.dir, 'published', warehouse.database.instance)).catch(() => []))).not.toContain('tenant=nobody');
  });

  it('keeps no personal value and no sealed one', async () => {
    const texts = await warehouse.database.snapshot(async (tx) => (await tx.runAndReadAll('select * from customer_fact')).getRowsJson().flat().map(String));
    expect(texts.join()).not.toMatch(/sealed|c2VhbGVk/);
  });
});

describe('a query', () => {
  it('sees everything that was loaded before it came', async () => {
    for (let last = 1; last <= 30; last += 1) {
      await warehouse.loadLog((storedLogs('shop', orders(1, last)).get('sales/0') ?? []).slice(last - 1));
      expect(await warehouse.ask('select count(*) as n, sum(amount) as s from order_line')).toMatchObject({ asOf: { 'sales/0': last }, rows: [{ n: last, s: String(Math.round(last * 101) / 100) }] });
    }
    // One by one they would be 30; merging keeps a block to a few, and nobody reads the old ones any more.
    expect((await parquet('published')).length).toBeLessThanOrEqual(17);
  });

  it('keeps its files while another publishes over them', async () => {
    const stored = storedLogs('shop', orders(1, 20)).get('sales/0') ?? [];
    await warehouse.loadLog(stored.slice(0, 1));
    const lease = await warehouse.publisher.lease('shop');
    for (let last = 2; last <= 20; last += 1) {
      await warehouse.loadLog(stored.slice(last - 1, last));
      await warehouse.rows('select 1 as n');
    }
    const folder = await parquet('published');
    expect(lease.files.every((file) => folder.some((name) => file.endsWith(name)))).toBe(true);
    await lease.release();
    await warehouse.rows('select 1 as n');
    expect((await parquet('published')).filter((name) => lease.files.some((file) => file.endsWith(name)))).toEqual([]);
  });

  it('goes with others at the same time, each with its own state', async () => {
    await warehouse.load('shop', orders(1, 5));
    const counts = await Promise.all(['select 1 as n', 'select count(*) as n from order_line', 'select sum(amount) as n from order_line'].map((sql) => warehouse.rows(sql)));
    expect(counts).toEqual([[{ n: 1 }], [{ n: 5 }], [{ n: '5.05' }]]);
  });

  it.each([['select * from nowhere', 'sql-table-unknown'], ['select nosuch from order_line', 'sql-failed']])('that is refused (%s) is 422 and leaves the warehouse as it was', async (sql, code) => {
    await warehouse.load('shop', orders(1, 2));
    await expect(warehouse.ask(sql)).rejects.toMatchObject({ status: 422, code });
    expect(await warehouse.rows('select count(*) as n from order_line')).toEqual([{ n: 2 }]);
  });
});

describe('a restart', () => {
  it('goes on with what is published, and publishes only what is new', async () => {
    const stored = storedLogs('shop', orders(1, 9)).get('sales/0') ?? [];
    await warehouse.loadLog(stored.slice(0, 6));
    await warehouse.rows('select 1 as n');
    const before = await parquet('published');
    await warehouse.close();
    warehouse = await SampleWarehouse.open(warehouse.dir);
    expect(await warehouse.loader.load({ tenant: 'shop', context: 'sales', shard: 0 })).toMatchObject({ position: 6, leaf: new Uint8Array(stored[5]?.leaf ?? []) });
    await warehouse.loadLog(stored.slice(6));
    expect(await warehouse.ask('select count(*) as n from order_line')).toMatchObject({ asOf: { 'sales/0': 9 }, rows: [{ n: 9 }] });
    expect((await parquet('published')).filter((name) => before.includes(name))).toEqual(before);
  });

  it('removes what no manifest names: orphans of the lake, half-written files, what another warehouse published', async () => {
    await warehouse.load('shop', orders(1, 2));
    await warehouse.rows('select 1 as n');
    const known = [...await parquet('lake'), ...await parquet('published')];
    await warehouse.close();
    for (const path of ['lake/tenant=shop/context=sales/shard=0/epoch=1/000000000009-000000000010.parquet', 'lake/tenant=gone/.x.parquet.part', 'published/old/tenant=shop/manifest.json', `published/${warehouse.database.instance}/tenant=shop/order_line/x.parquet`]) {
      await mkdir(join(warehouse.dir, path, '..'), { recursive: true });
      await writeFile(join(warehouse.dir, path), 'x');
    }
    warehouse = await SampleWarehouse.open(warehouse.dir);
    expect([...await parquet('lake'), ...await parquet('published')]).toEqual(known);
    expect((await readdir(join(warehouse.dir, 'published')))).toEqual([warehouse.database.instance]);
    expect((await readdir(join(warehouse.dir, 'lake')))).toEqual(['tenant=shop']);
  });

  it('makes the file anew when it is of another schema, and the load begins again', async () => {
    await warehouse.load('shop', orders(1, 2));
    await warehouse.database.transaction((tx) => tx.run('update warehouse_meta set schema_version = 0'));
    const { instance } = warehouse.database;
    await warehouse.close();
    warehouse = await SampleWarehouse.open(warehouse.dir);
    expect(warehouse.database.instance).not.toBe(instance);
    expect(await warehouse.loader.load({ tenant: 'shop', context: 'sales', shard: 0 })).toBeUndefined();
    expect(await parquet('lake')).toEqual([]);
  });
});

describe('the warehouse file', () => {
  it('rolls back what fails and goes on', async () => {
    await expect(warehouse.database.transaction(async (tx) => {
      await tx.run('insert into load_position (tenant, position) values (\'t\', 1)');
      throw new Error('in the middle');
    })).rejects.toThrow('in the middle');
    expect(await warehouse.database.snapshot(async (tx) => (await tx.runAndReadAll('select count(*) from load_position')).getRowsJson())).toEqual([['0']]);
  });

  it('is one instance for all who open it in one process: nothing is lost', async () => {
    const again = await WarehouseDatabase.open(warehouse.dir);
    await Promise.all([warehouse.load('shop', orders(1, 3)), again.transaction((tx) => tx.run('insert into load_position (tenant, position) values (\'t\', 1)'))]);
    expect(again.instance).toBe(warehouse.database.instance);
    await again.close();
    expect(await warehouse.rows('select count(*) as n from order_line')).toEqual([{ n: 3 }]);
  });
});
