import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BatchHandler } from '@millrace/event-bus';
import { ProjectionBuilds } from '@millrace/event-sourcing';
import type { LogKey, StoredEvent } from '@millrace/kernel';
import { freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { openAnalyticsDatabase } from '../analytics-database.ts';
import { noLogs, orderEvent, SAMPLE_ORDERS, storedEvent } from './sample-orders.ts';
import { SALES_VERSIONS } from './sales-facts.ts';

let fresh: TestDatabase;
let database: DataSource;
let runner: BatchHandler;
let log: LogKey;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await openAnalyticsDatabase(fresh.url);
  runner = new ProjectionBuilds<EntityManager>({ live: database, aside: database, reader: noLogs, projections: SALES_VERSIONS }).handler();
});
beforeEach(() => { log = { tenant: uniqueTenant(), context: 'sales', shard: 0 }; });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

/** The sample order at a position, on the stream of `id`; `change` spoils its data. */
const order = (position: number, id: string, change: Record<string, unknown> = {}): StoredEvent => {
  const { stored, data } = orderEvent(log.tenant, position, { ...SAMPLE_ORDERS[0]!, id });
  return { ...stored, envelope: { ...stored.envelope, id: `${id}-${position}` }, data: Buffer.from(JSON.stringify({ ...data, ...change })) };
};
const apply = (...events: StoredEvent[]): Promise<void> => runner.apply({ log, events, mark: { epoch: 1, position: events.at(-1)?.position ?? 0, leaf: new Uint8Array(32).fill(7) } });
const positions = async (table: 'order_fact' | 'parked_event'): Promise<number[]> =>
  (await database.query<{ position: string }[]>(`select position from ${table} where tenant = $1 order by position`, [log.tenant])).map((row) => Number(row.position));

describe('sales facts from a log', () => {
  it('go in with the checkpoint', async () => {
    await apply(order(1, 'a'), order(2, 'b'));
    expect(await positions('order_fact')).toEqual([1, 2]);
    expect(await runner.load(log)).toMatchObject({ epoch: 1, position: 2 });
  });

  it('are the same for an order stored in version 1, with quantities as numbers, and one in version 2', async () => {
    const { stored, data } = orderEvent(log.tenant, 1, SAMPLE_ORDERS[0]!);
    const lines = (data['lines'] as { quantity: string }[]).map((line) => ({ ...line, quantity: Number(line.quantity) }));
    const newest = { ...order(2, 'b'), envelope: { ...order(2, 'b').envelope, version: 2 } };
    await apply({ ...stored, data: Buffer.from(JSON.stringify({ ...data, lines })) }, newest, { ...order(3, 'c'), envelope: { ...order(3, 'c').envelope, version: 3 } });
    expect(await database.query('select quantity::text, amount::text, position::int from order_line_fact where tenant = $1 and line_no = 1 order by position', [log.tenant]))
      .toEqual([1, 2].map((position) => ({ quantity: '2', amount: '20.00', position })));
    expect(await database.query('select code, position::int from parked_event where tenant = $1', [log.tenant])).toEqual([{ code: 'version-unknown', position: 3 }]);
  });

  it('go in once, however often and in whatever batches they come', async () => {
    await apply(order(1, 'a'), order(2, 'b'));
    await apply(order(1, 'a'));
    await apply(order(2, 'b'), order(3, 'c'));
    expect(await positions('order_fact')).toEqual([1, 2, 3]);
    expect(await database.query('select sum(gross)::text as gross, sum(orders)::int as orders from hourly_sales where tenant = $1', [log.tenant])).toEqual([{ gross: '74.70', orders: 3 }]);
  });

  it.each([1, 2])('go into an active build of version %i, with their reasons', async (version) => {
    await database.query('update projection_build set version = $1', [version]);
    await apply(order(1, 'a', { reason: 'bad-debt' }), order(2, 'b'));
    expect(await database.query('select reason from order_line_fact where tenant = $1 and line_no = 1 order by position', [log.tenant])).toEqual([{ reason: 'bad-debt' }, { reason: null }]);
  });

  it('pass over events that bill nothing and move the checkpoint', async () => {
    await apply({ ...storedEvent(log.tenant, 1, 'sales.payment.captured', 'p', '2026-01-01T00:00:00Z', {}).stored, data: Buffer.from('{}') });
    expect([await positions('order_fact'), (await runner.load(log))?.position]).toEqual([[], 1]);
  });

  it('park an event that cannot be read and what follows on its order, and take the rest', async () => {
    await apply(order(1, 'a'), order(2, 'b', { currency: 7 }), order(3, 'a'), order(4, 'b'), order(5, 'c', { lines: [{ quantity: 'many' }] }));
    expect([await positions('order_fact'), await positions('parked_event')]).toEqual([[1, 3], [2, 4, 5]]);
    expect(await database.query('select code, reason from parked_event where tenant = $1 and position = 2', [log.tenant])).toEqual([{ code: 'order-unreadable', reason: expect.stringMatching(/Expected text at \/currency/) }]);
    expect(await runner.parked?.(log)).toBe(3);
  });
});
