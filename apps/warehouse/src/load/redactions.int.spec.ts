import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, isRedacted, REDACTED_DATA, redactedForm, type StoredEvent } from '@millrace/kernel';
import { batchOf, order, storedEvent, storedLogs, type SampleEvent } from '../fixtures/sample-log.ts';
import { SampleWarehouse } from '../fixtures/sample-warehouse.ts';
import { toJson, type JsonValue } from '../query/result-value.ts';
import { ParkedEvents } from './parked-events.ts';
import { LogLoader } from './log-loader.ts';
import { applyToStar } from './star-load.ts';

const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const SECRET = 'Visa 4929 1234';
const placed = (n: number): SampleEvent => ({ ...order('placed', `o${n}`, '2026-01-01T00:00:00Z', [[n === 3 ? SECRET : 'p1', 1, '1.01'], ['p2', 2, '0.5']]), stream: 'sales.order/all' });
const stored = (count: number): StoredEvent[] => storedLogs('shop', Array.from({ length: count }, (_, n) => placed(n + 1))).get('sales/0') ?? [];

let warehouse: SampleWarehouse;
let facts: number;
beforeEach(async () => {
  warehouse = await SampleWarehouse.open();
  facts = 0;
});
afterEach(() => warehouse.remove());

const fact = (told: unknown): StoredEvent => storedEvent({ tenant: 'shop', context: 'security', shard: 0 }, 1_763_900_000, (facts += 1), { type: 'security.event.redacted', id: `redacted-${facts}`, time: '2026-02-01T00:00:00Z', data: told });
const order3 = { context: 'sales', shard: 0, position: 3, eventId: 'e-o3', reason: 'TICKET-1: a card number' };
const tell = (told: unknown = order3): Promise<void> => warehouse.loader.apply(batchOf([fact(told)]));
const select = (sql: string, of = warehouse): Promise<JsonValue[][]> => of.database.snapshot(async (tx) => (await tx.runAndReadAll(sql)).getRows().map((row) => row.map(toJson)));
const lakeOf = async (of = warehouse): Promise<JsonValue[][]> => select(`select * from read_parquet('${of.dir}/lake/tenant=shop/context=sales/**/*.parquet', hive_partitioning = false) order by position`, of);
const filesOf = async (of = warehouse): Promise<string[]> => (await readdir(join(of.dir, 'lake/tenant=shop/context=sales'), { recursive: true })).filter((name) => name.endsWith('.parquet')).toSorted();
const manifest = (of = warehouse): Promise<JsonValue[][]> => select(`select first, last, bytes from lake_segment where context = 'sales' order by first`, of);
const starPositions = (of = warehouse): Promise<JsonValue[][]> => select('select distinct position from order_line order by 1', of);
/** What a warehouse holds that only ever saw the log as it is after the deed. */
const readingRedacted = async (count: number, size: number): Promise<SampleWarehouse> => {
  const other = await SampleWarehouse.open();
  await other.loadLog(stored(count).map((event) => (event.position === 3 ? redactedForm(event) : event)), size);
  return other;
};
const expectAsRedacted = async (count: number, size: number): Promise<void> => {
  const other = await readingRedacted(count, size);
  expect(await lakeOf()).toEqual(await lakeOf(other));
  expect(await select('select * from order_line order by all')).toEqual(await select('select * from order_line order by all', other));
  expect(await select('select * from parked_event')).toEqual([]);
  await other.remove();
};

describe('a fact of redaction', () => {
  it('takes data and salt out of the file that holds the event, under its name, and its rows out of the star', async () => {
    await warehouse.loadLog(stored(6), 2);
    const [before, names, sizes] = [await lakeOf(), await filesOf(), await manifest()];
    expect(JSON.stringify(before)).toContain(SECRET);
    await tell();
    const after = await lakeOf();
    expect([await filesOf(), after.length]).toEqual([names, 6]);
    expect(after.filter((_, index) => index !== 2)).toEqual(before.filter((_, index) => index !== 2));
    expect([after[2]!.slice(0, 9), after[2]!.slice(9)]).toEqual([before[2]!.slice(0, 9), [REDACTED_DATA, before[2]![10], '00'.repeat(16)]]);
    expect(await starPositions()).toEqual([[1], [2], [4], [5], [6]]);
    const changed = await manifest();
    expect([changed[0], changed[2]]).toEqual([sizes[0], sizes[2]]);
    for (const [index, name] of (await filesOf()).entries()) expect((await readFile(join(warehouse.dir, 'lake/tenant=shop/context=sales', name))).length).toBe(changed[index]![2]);
    await expectAsRedacted(6, 2);
  });

  it('reaches what was published', async () => {
    await warehouse.loadLog(stored(4));
    expect(await warehouse.rows(`select count(*) as n from order_line where product_id = '${SECRET}'`)).toEqual([{ n: 1 }]);
    await tell();
    expect(await warehouse.rows(`select count(*) as n, count(*) filter (product_id = '${SECRET}') as secret from order_line`)).toEqual([{ n: 6, secret: 0 }]);
    const published = (await readdir(join(warehouse.dir, 'published'), { recursive: true })).filter((name) => name.endsWith('.parquet') && name.includes('order_line'));
    expect(published).toHaveLength(1);
  });

  it.each([1, 2, 6])('that comes before its event is followed when the event comes, in batches of %i', async (size) => {
    await tell();
    await warehouse.loadLog(stored(6), size);
    expect(JSON.stringify(await lakeOf())).not.toContain(SECRET);
    await expectAsRedacted(6, size);
  });

  it('that comes while its log is loaded and merged is followed in every file', async () => {
    await warehouse.loadLog(stored(12), 1);
    await Promise.all([warehouse.loadLog(stored(18).slice(12), 1), tell()]);
    await expectAsRedacted(18, 1);
    expect(JSON.stringify(await lakeOf())).not.toContain(SECRET);
  });

  it('changes nothing the second time, and holds through merges, a new load and a restart', async () => {
    await warehouse.loadLog(stored(10), 1);
    await tell();
    const once = await manifest();
    await tell({ ...order3, reason: 'told again' });
    expect(await manifest()).toEqual(once);
    await warehouse.loadLog(stored(18).slice(10), 1);
    expect((await filesOf()).length).toBeLessThanOrEqual(17);
    await expectAsRedacted(18, 1);
    await warehouse.close();
    warehouse = await SampleWarehouse.open(warehouse.dir);
    await warehouse.loader.reset(log);
    await warehouse.loadLog(stored(18), 7);
    await expectAsRedacted(18, 7);
  });

  it('whose transaction is lost after the file was exchanged is followed again', async () => {
    await warehouse.loadLog(stored(4), 2);
    await expect(warehouse.database.transaction(async (tx) => {
      await warehouse.lake.redact(tx, log, 3, 'e-o3');
      throw new DomainError('unavailable', 'killed', {}, 'The process ended here.');
    })).rejects.toMatchObject({ code: 'killed' });
    expect(await starPositions()).toEqual([[1], [2], [3], [4]]);
    await tell();
    await expectAsRedacted(4, 2);
  });

  it('that names another event, or one of another tenant, takes nothing', async () => {
    await warehouse.loadLog(stored(4), 2);
    const before = await lakeOf();
    await tell({ ...order3, eventId: 'e-of-an-earlier-epoch' });
    await tell({ ...order3, shard: 1 });
    await tell({ ...order3, context: 'customer' });
    await warehouse.loader.apply(batchOf([{ ...fact(order3), log: { tenant: 'other', context: 'security', shard: 0 }, position: 1 }]));
    expect([await lakeOf(), await starPositions()]).toEqual([before, [[1], [2], [3], [4]]]);
  });

  it.each([[null], ['text'], [{ ...order3, position: '3' }], [{ ...order3, context: 'nowhere' }], [{ context: 'sales' }]])('that reads %j stops its log: nothing is passed over', async (told) => {
    await expect(tell(told)).rejects.toMatchObject({ code: 'redaction-unreadable' });
    expect(await warehouse.loader.load({ tenant: 'shop', context: 'security', shard: 0 })).toBeUndefined();
  });

  it('is counted once, and forgotten when the security log is read anew', async () => {
    const counted: number[] = [];
    const loader = new LogLoader({ database: warehouse.database, lake: warehouse.lake, redacted: (_, events) => { counted.push(events); } });
    const told = [fact(order3), fact({ ...order3, position: 4, eventId: 'e-o4' }), fact(order3)];
    await loader.apply(batchOf(told));
    expect(counted).toEqual([2]);
    await loader.reset({ tenant: 'shop', context: 'security', shard: 0 });
    expect(await select('select * from redacted_event')).toEqual([]);
    await loader.apply(batchOf(told));
    expect(counted).toEqual([2, 2]);
  });
});

describe('a redacted event', () => {
  it('is skipped, not parked, and the later ones of its stream go on', async () => {
    const other = await readingRedacted(5, 5);
    expect(await starPositions(other)).toEqual([[1], [2], [4], [5]]);
    expect(await other.loader.parked(log)).toBe(0);
    await other.remove();
  });

  it('stays out of a build that still reads its data from the log', async () => {
    await tell();
    await warehouse.database.transaction((tx) => applyToStar(tx, 'main', new ParkedEvents(warehouse.database), { log, events: stored(4) }));
    expect(await starPositions()).toEqual([[1], [2], [4]]);
  });

  it('is told from one whose producer wrote the same', () => {
    const [event] = storedLogs('shop', [{ ...placed(1), data: { $redacted: true } }]).get('sales/0') ?? [];
    expect([isRedacted(event!), isRedacted(redactedForm(event!))]).toEqual([false, true]);
  });
});
