import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonValue } from '../query/result-value.ts';
import { toJson } from '../query/result-value.ts';
import { batchOf, order, SAMPLE_SHOP, storedLogs, type SampleEvent } from '../fixtures/sample-log.ts';
import { SampleWarehouse } from '../fixtures/sample-warehouse.ts';
import type { StoredEvent } from '@millrace/kernel';
import fc from 'fast-check';

let warehouse: SampleWarehouse;
beforeEach(async () => { warehouse = await SampleWarehouse.open(); });
afterEach(() => warehouse.remove());

const select = (sql: string, of = warehouse): Promise<JsonValue[][]> => of.database.snapshot(async (tx) => (await tx.runAndReadAll(sql)).getRows().map((row) => row.map(toJson)));
const parquet = async (of = warehouse): Promise<string[]> => (await readdir(join(of.dir, 'lake'), { recursive: true })).filter((name) => name.endsWith('.parquet')).toSorted();
const orders = (count: number): SampleEvent[] => Array.from({ length: count }, (_, n) => order('placed', `o${n}`, '2026-01-01T00:00:00Z', [['p1', 1, '1.01'], ['p2', 2, '0.005']]));
const sales = (events: readonly SampleEvent[]): StoredEvent[] => storedLogs('shop', events).get('sales/0') ?? [];
const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const RAW = (dir: string): string => `read_parquet('${dir}/lake/**/*.parquet', hive_partitioning = true)`;

/** Everything that queries can see of the star, in an order of its own. */
const starOf = async (of: SampleWarehouse): Promise<JsonValue[][][]> => [
  await select('select * exclude (epoch) from order_line order by all', of), await select('select * exclude (epoch) from product_fact order by all', of), await select('select * exclude (epoch) from customer_fact order by all', of),
  await select('select tenant, context, shard, position, leaf from load_position order by all', of),
];

describe('the lake', () => {
  it('holds every event as the log has it, of contexts the star knows nothing about too', async () => {
    const events = [...SAMPLE_SHOP, { type: 'clickstream.page.viewed', id: 'c1', time: '2026-01-01T00:00:00.250Z', data: { path: '/ä', ip: { $sealed: { box: 'eA' } } } }];
    await warehouse.load('shop', events, 3);
    const found = await select(`select context, position, event_id, type, version, stream, stream_version, ts, recorded_at, envelope, data, leaf, salt, tenant, shard, epoch from ${RAW(warehouse.dir)} order by context, position`);
    const expected = [...storedLogs('shop', events)].toSorted(([a], [b]) => a.localeCompare(b)).flatMap(([, stored]) => stored.map(({ log: { context }, epoch, position, streamVersion, envelope, envelopeBytes, data, leaf, salt }) => [
      context, position, envelope.id, envelope.type, envelope.version, envelope.stream, streamVersion, envelope.time.replace(/\.000Z$/, 'Z'), envelope.recordedtime.replace(/\.000Z$/, 'Z'),
      Buffer.from(envelopeBytes).toString(), Buffer.from(data).toString(), Buffer.from(leaf).toString('hex'), Buffer.from(salt).toString('hex'), 'shop', 0, epoch]));
    expect(found.map((row) => row.map((value) => (typeof value === 'string' ? value.replace(/(\.\d\d)Z$/, '$10Z') : value)))).toEqual(expected.map((row) => row.map((value) => (typeof value === 'string' ? value.replace(/(\.\d\d)Z$/, '$10Z') : value))));
  });

  it('names its files by what they hold', async () => {
    await warehouse.loadLog(sales(orders(5)), 3);
    expect(await parquet()).toEqual(['000000000001-000000000003.parquet', '000000000004-000000000005.parquet'].map((name) => `tenant=shop/context=sales/shard=0/epoch=1763900000/${name}`));
    expect(await select('select first, last from lake_segment order by first')).toEqual([[1, 3], [4, 5]]);
  });

  it('merges small files, keeps every event once, and leaves no file of before', async () => {
    await warehouse.loadLog(sales(orders(40)), 1);
    const segments = await select('select first, last, bytes > 0 from lake_segment order by first');
    expect(segments.length).toBeLessThanOrEqual(17);
    expect(await parquet()).toHaveLength(segments.length);
    expect(await select(`select count(*), count(distinct position), min(position), max(position) from ${RAW(warehouse.dir)}`)).toEqual([[40, 40, 1, 40]]);
  });

  it('leaves a finished block in a few large files alone, each event once and in order', async () => {
    await warehouse.loadLog(sales(orders(10_050)), 5000);
    expect(await select('select first, last from lake_segment order by first')).toEqual([[1, 5000], [5001, 10_000], [10_001, 10_050]]);
    expect(await parquet()).toHaveLength(3);
    expect(await select(`select count(*), count(distinct position), count(*) filter (where position <> row - 1 + first) from (
      select position, min(position) over (partition by filename) as first, file_row_number + 1 as row from read_parquet('${warehouse.dir}/lake/**/*.parquet', filename = true, file_row_number = true))`)).toEqual([[10_050, 10_050, 0]]);
  });

  it('closes a block at its border and makes one file of it', async () => {
    await warehouse.loadLog(sales(orders(10_050)), 1500);
    expect(await select('select first, last from lake_segment order by first')).toEqual([[1, 10_000], [10_001, 10_050]]);
    expect(await select(`select count(*), count(distinct position), sum(position) from ${RAW(warehouse.dir)}`)).toEqual([[10_050, 10_050, String(10_050 * 10_051 / 2)].map(Number)]);
  });
});

describe('a log that is taken out', () => {
  it('leaves nothing of it in star, lake, parked events and positions, and others as they were', async () => {
    const broken: SampleEvent = { type: 'sales.order.placed', id: 'broken', time: '2026-01-01T00:00:00Z', data: { orderId: 7 } };
    await warehouse.load('shop', [...SAMPLE_SHOP, broken], 4);
    await warehouse.load('other', SAMPLE_SHOP, 4);
    const others = () => Promise.all([select(`select * from order_line where tenant = 'other' order by all`), select('select * from product_fact order by all'), select(`select * from lake_segment where tenant <> 'shop' or context <> 'sales' order by all`)]);
    const before = await others();
    expect(await warehouse.loader.parked(log)).toBe(1);
    await warehouse.loader.reset(log);
    expect(await warehouse.loader.load(log)).toBeUndefined();
    expect(await select(`select (select count(*) from order_line where tenant = 'shop'), (select count(*) from parked_event), (select count(*) from lake_segment where tenant = 'shop' and context = 'sales')`)).toEqual([[0, 0, 0]]);
    expect((await parquet()).filter((name) => name.startsWith('tenant=shop/context=sales'))).toEqual([]);
    expect(await others()).toEqual(before);
    expect((await warehouse.loader.logs()).map(({ tenant, context }) => `${tenant} ${context}`).toSorted()).toEqual(['other customer', 'other merchandise', 'other sales', 'shop customer', 'shop merchandise']);
  });

  it('is loaded again under a later epoch as if it had never been there', async () => {
    await warehouse.load('shop', SAMPLE_SHOP, 4);
    await warehouse.loader.reset(log);
    for (const event of storedLogs('shop', SAMPLE_SHOP, 1_763_999_999).get('sales/0') ?? []) await warehouse.loader.apply(batchOf([event]));
    const fresh = await SampleWarehouse.open();
    await fresh.load('shop', SAMPLE_SHOP, 4);
    expect(await starOf(warehouse)).toEqual(await starOf(fresh));
    await fresh.remove();
  });
});

describe('a batch', () => {
  it('that comes again is refused: nothing is doubled', async () => {
    const stored = sales(orders(4));
    await warehouse.loader.apply(batchOf(stored.slice(0, 3)));
    await expect(warehouse.loader.apply(batchOf(stored.slice(0, 3)))).rejects.toMatchObject({ code: 'load-out-of-order', details: { loaded: 3, first: 1 } });
    expect(await select('select count(*) from order_line')).toEqual([[6]]);
    expect(await select('select first, last from lake_segment')).toEqual([[1, 3]]);
  });

  it.each([['leaves a gap', 4], ['begins in what is loaded', 2]])('that %s is refused: nothing is skipped', async (_, from) => {
    const stored = sales(orders(6));
    await warehouse.loader.apply(batchOf(stored.slice(0, 2)));
    await expect(warehouse.loader.apply(batchOf(stored.slice(from - 1)))).rejects.toMatchObject({ kind: 'conflict', code: 'load-out-of-order' });
    expect(await warehouse.loader.load(log)).toMatchObject({ position: 2 });
  });

  it('of another epoch is refused', async () => {
    const stored = sales(orders(2));
    await warehouse.loader.apply(batchOf(stored.slice(0, 1)));
    const next = batchOf(stored.slice(1));
    await expect(warehouse.loader.apply({ ...next, mark: { ...next.mark, epoch: next.mark.epoch + 1 } })).rejects.toMatchObject({ code: 'load-out-of-order' });
  });
});

describe('an event that cannot be read', () => {
  const bad = (data: unknown, rest: Partial<SampleEvent> = {}): SampleEvent => ({ type: 'sales.order.placed', id: 'bad', time: '2026-01-01T00:00:00Z', data, stream: 'sales.order/o-bad', ...rest });

  it('is parked with its reason, later events of its stream behind it, and the rest goes on', async () => {
    const events = [...orders(2), bad({ orderId: 'o-bad', currency: 'EUR', lines: [{ quantity: 1.5 }] }), { ...order('cancelled', 'o-bad', '2026-01-02T00:00:00Z', [['p1', -1, '1']]), stream: 'sales.order/o-bad' }, ...orders(1).map((each) => ({ ...each, id: 'last' }))];
    await warehouse.loadLog(sales(events), 2);
    expect(await select('select position, event_id, code from parked_event order by 1')).toEqual([[3, 'bad', 'event-unreadable'], [4, 'e-o-bad', 'behind-parked']]);
    expect(await warehouse.loader.parked(log)).toBe(2);
    expect(await warehouse.loader.parked({ ...log, tenant: 'other' })).toBe(0);
    expect(await select('select distinct position from order_line order by 1')).toEqual([[1], [2], [5]]);
    expect(await select(`select count(*) from ${RAW(warehouse.dir)}`)).toEqual([[5]]);
    expect(await warehouse.loader.load(log)).toMatchObject({ position: 5 });
  });

  it.each<[string, SampleEvent, string]>([
    ['no JSON', bad(Buffer.from('{"orderId":')), 'event-data-malformed'], ['no UTF-8', bad(Buffer.from([0x22, 0xff, 0x22])), 'event-data-malformed'], ['no object', bad(null), 'event-unreadable'], ['a list', bad([]), 'event-unreadable'],
    ['a number too fine', bad({ orderId: 'x', currency: 'EUR', lines: [{ productId: 'p', quantity: 1, unitPrice: '0.0000001', kind: 'product', placedAt: '2026-01-01T00:00:00Z' }] }), 'decimal-out-of-range'],
    ['a version to come', bad({}, { version: 3 }), 'version-unknown'],
  ])('because it holds %s', async (_, event, code) => {
    await warehouse.loadLog(sales([event]));
    const [parked] = await select('select code, reason from parked_event');
    expect(parked?.[0]).toBe(code);
  });

  it('is parked alike however the log is cut into batches', async () => {
    const events = [...orders(3), bad('x'), bad('y', { id: 'bad2' }), bad('z', { id: 'bad3', stream: 'sales.order/other' }), ...orders(1).map((each) => ({ ...each, id: 'last' }))];
    await warehouse.loadLog(sales(events), 7);
    const whole = await select('select * exclude (parked_ms) from parked_event order by position');
    const other = await SampleWarehouse.open();
    await other.loadLog(sales(events), 1);
    expect(await select('select * exclude (parked_ms) from parked_event order by position', other)).toEqual(whole);
    await other.remove();
  });
});

describe('the star', () => {
  it('is the same for every interleaving of the logs and every cut into batches', async () => {
    await warehouse.load('shop', SAMPLE_SHOP);
    const expected = await starOf(warehouse);
    const logs = [...storedLogs('shop', SAMPLE_SHOP).values()];
    const views = ['select * from product order by 1', 'select * from customer order by 1', 'select country, sum(amount) as s from order_line group by 1 order by 1'];
    const answers = await Promise.all(views.map((sql) => warehouse.rows(sql)));
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: logs.length - 1 }), fc.integer({ min: 1, max: 4 })), { maxLength: 12 }), async (turns) => {
      const other = await SampleWarehouse.open();
      try {
        const rest = logs.map((stored) => [...stored]);
        for (const [which, size] of [...turns, ...logs.map((_, index): [number, number] => [index, Infinity])]) {
          const part = rest[which]?.splice(0, size) ?? [];
          if (part.length > 0) await other.loader.apply(batchOf(part));
        }
        expect(await starOf(other)).toEqual(expected);
        expect(await Promise.all(views.map((sql) => other.rows(sql)))).toEqual(answers);
      } finally {
        await other.remove();
      }
    }), { numRuns: 6 });
  }, 120_000);

  it('takes batches of different logs at the same time', async () => {
    await Promise.all([...storedLogs('shop', SAMPLE_SHOP).values(), ...storedLogs('other', SAMPLE_SHOP).values()].map((stored) => warehouse.loadLog(stored, 2)));
    expect(await select('select tenant, count(*), sum(amount)::decimal(38,3)::varchar from order_line group by 1 order by 1')).toEqual([['other', 9, '-11008.550'], ['shop', 9, '-11008.550']]);
  });
});

describe('a kill -9 in the middle of a load', () => {
  const HOOK = new URL('../../../../tools/swc-hook.mjs', import.meta.url).href;
  const ORDERS = 900;

  /** Runs the loading process until it has reported `batches` (0: to its end); answers where it began. */
  const run = (dir: string, size: number, batches: number): Promise<{ from: number; code: number | null }> => new Promise((resolve) => {
    const child = fork(new URL('../fixtures/load-process.ts', import.meta.url), [dir, String(ORDERS), String(size)], { execArgv: ['--conditions=source', '--import', HOOK] });
    let from = -1;
    let seen = 0;
    child.on('message', (message: { from?: number }) => {
      if (message.from !== undefined) from = message.from;
      else if ((seen += 1) === batches) setImmediate(() => child.kill('SIGKILL'));
    });
    child.once('exit', (code) => resolve({ from, code }));
  });

  it('loses and doubles nothing, whenever it comes', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-crash-'));
    let reached = 0;
    for (const [size, batches] of [[7, 3], [50, 2], [1, 5], [100, 1]] as const) {
      const { from, code } = await run(dir, size, batches);
      expect(code).toBeNull();
      expect(from).toBeGreaterThanOrEqual(reached);
      reached = from + size * batches;
    }
    const last = await run(dir, 250, 0);
    expect([last.code, last.from >= reached]).toEqual([0, true]);
    const survivor = await SampleWarehouse.open(dir);
    expect(await survivor.ask('select count(*) as n, count(distinct position) as orders, max(position) as last, sum(amount) as s from order_line')).toMatchObject({ asOf: { 'sales/0': ORDERS }, rows: [{ n: 2 * ORDERS, orders: ORDERS, last: ORDERS, s: '918' }] });
    expect(await select(`select count(*), count(distinct position), max(position) from ${RAW(dir)}`, survivor)).toEqual([[ORDERS, ORDERS, ORDERS]]);
    expect((await parquet(survivor)).length).toBe((await select('select first from lake_segment', survivor)).length);
    await survivor.remove();
  }, 120_000);
});
