import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { emptyManifest, readManifest } from './snapshot-manifest.ts';
import { STAR_VIEWS, starViews } from './star-view.ts';

let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-view-'));
  duckdb = await DuckDBInstance.create(':memory:');
  connection = await duckdb.connect();
});
afterAll(async () => {
  duckdb.closeSync();
  await rm(dir, { recursive: true });
});

const rows = async (sql: string): Promise<unknown> => (await connection.runAndReadAll(sql)).getRowObjectsJson();
const NOW = new Date('2026-02-01T00:00:00Z');
/** The views over one file of product facts and none of the others. */
const withFacts = async (values: string, path = join(dir, 'it\'s.parquet')): Promise<void> => {
  const columns = 'tenant, log, epoch, position, event_id, source, ts, fact, product_id, name, category, price, currency, valid_from';
  await connection.run(`copy (select 't' as tenant, log, 1::bigint as epoch, position::bigint as position, 'e' as event_id, 's' as source, ts, fact, product_id, name, null::varchar as category, price, currency, valid_from from (values ${values}) v(log, position, ts, fact, product_id, name, price, currency, valid_from)) to $1 (format parquet)`, [path]);
  for (const { name, sql } of starViews((table) => (table === 'product_fact' ? [path] : []), NOW)) await connection.run(`create or replace view ${name} as ${sql}`);
  expect((await connection.runAndReadAll('select * from product_fact limit 0')).columnNames().join(', ')).toBe(columns);
};
const fact = (log: string, position: number, ts: string, kind: string, name: string | null, price: string | null, currency = 'EUR', validFrom?: string): string =>
  `('${log}', ${position}, timestamp '${ts}', '${kind}', 'p1', ${name === null ? 'null::varchar' : `'${name}'`}, ${price === null ? 'null' : price}::decimal(18,6), ${price === null ? 'null::varchar' : `'${currency}'`}, ${validFrom === undefined ? 'null' : `'${validFrom}'`}::timestamp)`;

describe('the product dimension', () => {
  it.each<[string, string[], Record<string, unknown>]>([
    ['is the latest listing', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Old', '1'), fact('merchandise/0', 2, '2026-01-02', 'listed', 'New', '2')], { name: 'New', list_price: '2.000000', status: 'listed', listed_at: '2026-01-01 00:00:00' }],
    ['is the latest by time, not by place', [fact('merchandise/0', 1, '2026-01-02', 'listed', 'New', '2'), fact('merchandise/0', 2, '2026-01-01', 'listed', 'Late news', '1')], { name: 'New', list_price: '2.000000' }],
    ['goes by position when times are equal', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'First', '1'), fact('merchandise/0', 2, '2026-01-01', 'listed', 'Second', '2')], { name: 'Second', list_price: '2.000000' }],
    ['goes by log, then position, over several logs', [fact('merchandise/1', 1, '2026-01-01', 'listed', 'Other shard', '1'), fact('merchandise/0', 9, '2026-01-01', 'listed', 'This shard', '2')], { name: 'Other shard' }],
    ['keeps the name a later listing leaves out', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', '1'), fact('merchandise/0', 2, '2026-01-02', 'listed', null, null)], { name: 'Lamp', list_price: '1.000000' }],
    ['takes a new price from a price change', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', '1'), fact('merchandise/0', 2, '2026-01-02', 'priced', null, '3')], { list_price: '3.000000', currency: 'EUR', status: 'listed' }],
    ['is retired until listed again', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', null), fact('merchandise/0', 2, '2026-01-02', 'retired', null, null)], { status: 'retired', retired_at: '2026-01-02 00:00:00' }],
    ['is listed again, and then retired no more', [fact('merchandise/0', 1, '2026-01-01', 'retired', null, null), fact('merchandise/0', 2, '2026-01-02', 'listed', 'Lamp', null)], { status: 'listed', retired_at: null }],
    ['is retired when it last was', [fact('merchandise/0', 1, '2026-01-01', 'retired', null, null), fact('merchandise/0', 2, '2026-01-02', 'listed', 'Lamp', null), fact('merchandise/0', 3, '2026-01-03', 'retired', null, null)], { status: 'retired', retired_at: '2026-01-03 00:00:00' }],
    ['takes no price before it holds', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', '1'), fact('merchandise/0', 2, '2026-01-02', 'priced', null, '3', 'EUR', '2026-02-01 00:00:00.001')], { list_price: '1.000000' }],
    ['takes a price from when it holds', [fact('merchandise/0', 1, '2026-01-01', 'priced', null, '3', 'EUR', '2026-02-01'), fact('merchandise/0', 2, '2026-01-31', 'priced', null, '2')], { list_price: '3.000000' }],
    ['has the currency of the price in force', [fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', '1'), fact('merchandise/0', 2, '2026-01-02', 'priced', null, '3', 'GBP')], { list_price: '3.000000', currency: 'GBP' }],
    ['has no status from a price alone', [fact('merchandise/0', 1, '2026-01-01', 'priced', null, '3')], { status: null, name: null, listed_at: null }],
  ])('%s', async (_, facts, expected) => {
    await withFacts(facts.join(', '));
    expect(await rows('select * from product')).toEqual([expect.objectContaining(expected)]);
    await withFacts(facts.toReversed().join(', '));
    expect(await rows('select * from product')).toEqual([expect.objectContaining(expected)]);
  });
});

it('has a price in force per product and currency', async () => {
  await withFacts([fact('merchandise/0', 1, '2026-01-01', 'listed', 'Lamp', '1'), fact('merchandise/0', 2, '2026-01-02', 'priced', null, '3', 'GBP'), fact('merchandise/0', 3, '2026-01-03', 'priced', null, '2', 'EUR', '2026-01-20'), fact('merchandise/0', 4, '2026-01-04', 'priced', null, '9', 'EUR', '2026-03-01')].join(', '));
  expect(await rows('select * from product_price order by currency')).toEqual([
    { product_id: 'p1', currency: 'EUR', price: '2.000000', valid_from: '2026-01-20 00:00:00' }, { product_id: 'p1', currency: 'GBP', price: '3.000000', valid_from: '2026-01-02 00:00:00' }]);
});

describe('the date dimension', () => {
  it('has every day once, with the parts reports group by', async () => {
    expect(await rows('select count(*)::integer as n, min(date_key) as first, max(date_key) as last from date')).toEqual([{ n: 21_915, first: '1990-01-01', last: '2049-12-31' }]);
    expect(await rows('select * from date where date_key = \'2024-12-30\'')).toEqual([{ date_key: '2024-12-30', year: 2024, quarter: 4, month: 12, year_month: '2024-12', day: 30, iso_weekday: 1, day_name: 'Monday', iso_week: '2025-W01' }]);
  });
});

it('names every view that a query may name, and no other', () => {
  expect(starViews(() => [], NOW).map((view) => view.name).toSorted()).toEqual([...STAR_VIEWS].toSorted());
});

describe('a manifest', () => {
  const manifest = { ...emptyManifest('i1', 'shop'), asOf: { 'sales/0': 3 }, epochs: { 'sales/0': 1 }, parked: { 'sales/0': 2 }, tables: { order_line: [{ log: 'sales/0', epoch: 1, first: 1, last: 3, rows: 4, path: 'order_line/x.parquet' }] } };
  const written = async (content: string): Promise<string> => {
    await writeFile(join(dir, 'manifest.json'), content);
    return join(dir, 'manifest.json');
  };

  it('is read as it was written', async () => {
    expect(await readManifest(await written(JSON.stringify(manifest)), 'i1')).toEqual(manifest);
  });

  it('of another warehouse file, or of another form, counts for nothing', async () => {
    expect(await readManifest(await written(JSON.stringify(manifest)), 'i2')).toBeUndefined();
    expect(await readManifest(await written(JSON.stringify({ ...manifest, format: 2 })), 'i1')).toBeUndefined();
    expect(await readManifest(join(dir, 'none.json'), 'i1')).toBeUndefined();
  });

  it('that cannot be read at all is an error, not an empty snapshot', async () => {
    await expect(readManifest(dir, 'i1')).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
