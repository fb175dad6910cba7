import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ParkedDiscard, Switched } from '@millrace/event-sourcing';
import { logName, type LogReader, type StoredEvent } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { batchOf, order, SAMPLE_SHOP, storedEvent, storedLogs, type SampleEvent } from '../fixtures/sample-log.ts';
import { SampleWarehouse } from '../fixtures/sample-warehouse.ts';
import { StarBuilds } from './star-builds.ts';
import { StarParked } from './star-parked.ts';

let warehouse: SampleWarehouse;
let builds: StarBuilds;
let parked: StarParked;
let logs: Map<string, StoredEvent[]>;
let announced: Switched[];
let discards: ParkedDiscard[];

const reader: LogReader = {
  heads: async () => [...logs.values()].flatMap((events) => { const last = events.at(-1); return last ? [{ ...last.log, epoch: last.epoch, position: last.position, leaf: last.leaf }] : []; }),
  head: async (log) => (await reader.heads()).find((head) => logName(head) === logName(log)),
  read: async (log, after, limit) => (logs.get(logName(log)) ?? []).slice(after, after + limit),
  mark: async (log, position) => { const event = logs.get(logName(log))?.[position - 1]; return event && { epoch: event.epoch, position, leaf: event.leaf }; },
};
/** Appends to the sales log and loads it, as the bus would. */
const load = async (...events: SampleEvent[]): Promise<void> => {
  const sales = logs.get('sales/0') ?? [];
  logs.set('sales/0', sales);
  const stored = events.map((event, index) => storedEvent({ tenant: 'shop', context: 'sales', shard: 0 }, 1_763_900_000, sales.length + 1 + index, event));
  sales.push(...stored);
  await warehouse.loader.apply(batchOf(stored));
};
const opened = (): void => {
  builds = new StarBuilds({ database: warehouse.database, reader, announce: async (switched) => { announced.push(switched); } });
  builds.start();
  parked = new StarParked({ database: warehouse.database, reader, builds, record: async (discard) => { discards.push(discard); } });
};
const ready = (build: number): Promise<unknown> => eventually(`build ${build} is ready`, async () => (await builds.list()).some((one) => one.build === build && one.state === 'ready' && one.position === one.target));
const gross = async (): Promise<unknown> => (await warehouse.rows('select count(*) as lines, sum(amount) as gross from order_line where currency = \'EUR\''))[0];
const lamp = (id: string): SampleEvent => order('placed', id, '2026-03-01T00:00:00Z', [['p1', 1, '1.00']]);
const bad = (id: string): SampleEvent => ({ ...lamp(id), data: { orderId: id, currency: 'EUR', lines: [{ quantity: 1.5 }] } });

beforeEach(async () => {
  warehouse = await SampleWarehouse.open();
  [logs, announced, discards] = [storedLogs('shop', [...SAMPLE_SHOP, { type: 'clickstream.page.viewed', id: 'c1', time: '2026-01-01T00:00:00Z', data: { path: '/' } }]), [], []];
  for (const stored of logs.values()) await warehouse.loadLog(stored, 3);
  opened();
});
afterEach(async () => {
  await builds.stop();
  await warehouse.remove();
});

describe('a build of the star', () => {
  it('is made beside the one that is read, equal to it, and exchanged with the next snapshot', async () => {
    const before = await gross();
    expect(await builds.rebuild('star')).toMatchObject({ build: 2, state: 'building', version: 2 });
    await ready(2);
    await load(lamp('o9'));
    expect(await builds.diff('star')).toMatchObject({ equal: true, active: { build: 1 }, candidate: { build: 2 }, tables: [{ table: 'order_line', onlyActive: 0, onlyCandidate: 0, changed: 0 }, { table: 'product_fact' }, { table: 'customer_fact' }] });
    const switched = await builds.switch('star');
    expect(switched).toMatchObject({ from: { build: 1 }, to: { build: 2 }, at: expect.arrayContaining([{ tenant: 'shop', log: 'sales/0', position: logs.get('sales/0')!.length }]) });
    expect(await gross()).not.toEqual(before);
    const after = await gross();
    await load(lamp('o10'));
    expect(await gross()).not.toEqual(after);
    await ready(1);
    await eventually('the fact is told', () => announced.length === 1);
    await builds.switch('star', 1);
    await builds.drop('star', 2);
    expect((await builds.list()).map(({ build, state }) => [build, state])).toEqual([[1, 'active']]);
    expect((await warehouse.rows('select count(*) as n from order_line where order_id in (\'o9\', \'o10\')'))[0]).toEqual({ n: 2 });
  });

  it('shows a row that was changed behind the log\'s back', async () => {
    await warehouse.database.transaction((tx) => tx.run(`update order_line set amount = 999 where order_id = 'o2'`));
    await warehouse.database.transaction((tx) => tx.run(`delete from product_fact where product_id = 'p2'`));
    await builds.rebuild('star');
    await ready(2);
    const report = await builds.diff('star');
    expect(report).toMatchObject({ equal: false, tables: [
      { table: 'order_line', changed: 1, onlyActive: 0, first: [{ active: { order_id: 'o2', amount: '999.000000000000' }, candidate: { order_id: 'o2', amount: '16.665000000000' } }] },
      { table: 'product_fact', onlyCandidate: 2, first: [{ active: null, candidate: { product_id: 'p2' } }, { active: null }] }, { table: 'customer_fact', changed: 0 },
    ] });
    await builds.switch('star');
    expect((await warehouse.rows('select amount from order_line where order_id = \'o2\''))[0]).toEqual({ amount: '16.665' });
  });

  it('goes on after a restart, and the active build is remembered', async () => {
    await builds.rebuild('star');
    await builds.stop();
    const { dir } = warehouse;
    await warehouse.close();
    warehouse = await SampleWarehouse.open(dir);
    opened();
    await ready(2);
    await builds.switch('star');
    await builds.stop();
    await warehouse.close();
    warehouse = await SampleWarehouse.open(dir);
    opened();
    expect(warehouse.database.star).toMatchObject({ build: 2, schema: 'star_b2' });
    await load(lamp('o11'));
    expect(await builds.diff('star', 1)).toMatchObject({ equal: true, active: { build: 2 } });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['another projection', () => builds.rebuild('stars'), 'projection-unknown'], ['another version', () => builds.rebuild('star', 9), 'projection-version-unknown'],
    ['a switch to nothing', () => builds.switch('star'), 'build-unknown'], ['a switch to the active build', () => builds.switch('star', 1), 'build-active'], ['dropping the active build', () => builds.drop('star', 1), 'build-active'],
  ])('refuses %s', async (_, work, code) => {
    await expect(work()).rejects.toMatchObject({ name: 'DomainError', code });
  });
});

describe('parked events of the star', () => {
  const at = (): number => logs.get('sales/0')!.length;

  it('are listed, shown, and stay parked while they can not be read', async () => {
    await load(bad('x1'), { ...lamp('x1'), id: 'later', stream: bad('x1').stream ?? 'sales.order/e-x1' });
    const position = at() - 1;
    const { parked: [first, behind] } = await parked.list({ limit: 10 });
    expect([first, behind]).toMatchObject([{ id: `star@1:shop:sales:0:${position}`, code: 'event-unreadable', type: 'sales.order.placed' }, { position: position + 1, code: 'behind-parked' }]);
    expect(await parked.show(first!.id)).toMatchObject({ behind: 1, envelope: { id: 'e-x1' }, data: { orderId: 'x1' } });
    expect(await parked.retry(first!.id)).toMatchObject({ applied: [], stopped: { position, code: 'event-unreadable' } });
    expect((await parked.list({ limit: 1 })).next).toBe(first!.id);
    expect((await parked.list({ limit: 10, consumer: 'other' })).parked).toEqual([]);
  });

  it('are discarded for good, and what waited is published though its positions were published before', async () => {
    await load(bad('x2'), { ...lamp('x2'), id: 'later', stream: 'sales.order/e-x2' });
    const lines = async (): Promise<unknown> => (await warehouse.rows('select count(*) as n from order_line where order_id = \'x2\''))[0];
    expect(await lines()).toEqual({ n: 0 });
    const [first] = (await parked.list({ limit: 1 })).parked;
    await expect(parked.discard(`star@1:shop:sales:0:${at()}`, 'why')).rejects.toMatchObject({ code: 'parked-behind' });
    expect(await parked.discard(first!.id, 'a test order')).toEqual({ applied: [at() - 1, at()] });
    expect(discards).toMatchObject([{ consumer: 'star', position: at() - 1, reason: 'a test order' }]);
    expect(await lines()).toEqual({ n: 1 });
    await builds.rebuild('star');
    await ready(2);
    expect(await builds.diff('star')).toMatchObject({ equal: true, candidate: { parked: 0 } });
  });

  it('are refused when there is none of that name', async () => {
    for (const id of ['star@1:shop:sales:0:1', 'star@9:shop:sales:0:1', 'moon@1:shop:sales:0:1']) await expect(parked.retry(id)).rejects.toMatchObject({ kind: 'not-found', code: 'parked-event-unknown' });
    await expect(parked.show('1')).rejects.toMatchObject({ code: 'parked-id-malformed' });
  });
});
