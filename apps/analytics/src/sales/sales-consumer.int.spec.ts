import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BusLink, type ConsumerStatus } from '@millrace/event-bus';
import { applyGrants, migrateEventStore, PgEventStore, renewEpoch } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { makeLogger, type EventTransport } from '@millrace/service-kit';
import { eventually, freshDatabase, natsUrl, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { openAnalyticsDatabase } from '../analytics-database.ts';
import { KpiHub } from '../live/kpi-hub.ts';
import { readKpis, type KpiSnapshot } from '../live/kpi.query.ts';
import { orderEvent, SAMPLE_ORDERS, type SampleOrder } from './sample-orders.ts';
import { salesBuilds, salesConsumer } from './sales-consumer.ts';

let events: TestDatabase;
let readModels: TestDatabase;
let database: DataSource;
let store: PgEventStore;
let link: BusLink;
let log: LogKey;
let hub: KpiHub;
let consumer: EventTransport;

beforeAll(async () => {
  [readModels, events] = await Promise.all([freshDatabase(), freshDatabase({ template: 'analytics_events', migrate: async (url) => { await migrateEventStore(url); } })]);
  const service = uniqueName('both');
  await withClient(events.url, async (owner) => {
    await owner.query(`create role millrace_${service} login password 'only-here'`);
    await applyGrants(owner, [{ service, appends: ['sales'], reads: ['sales'], relay: false }]);
  });
  database = await openAnalyticsDatabase(readModels.url);
  store = PgEventStore.connect({ url: events.urlAs(`millrace_${service}`, 'only-here'), applicationName: 'spec' });
  link = BusLink.open({ url: natsUrl(), service: 'analytics' });
});
beforeEach(() => {
  log = { tenant: uniqueTenant(), context: 'sales', shard: 0 };
  consumer = started();
});
afterEach(() => consumer.close());
afterAll(async () => {
  await Promise.all([store.close(), link.close(), database.destroy()]);
  await Promise.all([events.drop(), readModels.drop()]);
});

/** A consumer as a fresh process has it: all it knows of before is in the database. */
const started = (): EventTransport => {
  hub = new KpiHub((tenant) => readKpis(database, tenant), () => undefined);
  const [logger, metrics] = [makeLogger('spec', 'fatal'), new Registry()];
  const builds = salesBuilds({ database, aside: database, reader: store, hub, logger });
  const made = salesConsumer({ builds, reader: store, link, instance: 0, logger, metrics });
  made.listen(() => undefined);
  return made;
};

/** Appends orders; `data` replaces the contract's data of an order. */
const append = async (orders: readonly { order: SampleOrder; data?: Record<string, unknown> }[]): Promise<void> => {
  await store.append(log, orders.map(({ order, data }) => {
    const event = orderEvent(log.tenant, 1, order);
    const { recordedtime: _, ...envelope } = event.stored.envelope;
    return { stream: envelope.stream, expectedVersion: 'any' as const, events: [{ envelope: { ...envelope, fingerprint: '00'.repeat(32) }, data: Buffer.from(JSON.stringify(data ?? event.data)) }] };
  }));
};
const status = (): ConsumerStatus | undefined => consumer.standing().find((one) => one.tenant === log.tenant);
const reached = (position: number): Promise<unknown> => eventually(`position ${position}`, () => status()?.position === position);
const grossOf = async (): Promise<string | undefined> => (await readKpis(database, log.tenant)).kpis.find((kpi) => kpi.currency === 'EUR')?.gross;
const sample = SAMPLE_ORDERS.map((order) => ({ order }));

describe('the sales consumer', () => {
  it('follows a log that appears while it runs, without the bus having it', async () => {
    await append(sample);
    await reached(8);
    expect(await grossOf()).toBe('36.010');
  });

  it('goes on after a restart where it stood', async () => {
    await append(sample.slice(0, 4));
    await reached(4);
    await consumer.close();
    await append(sample.slice(4));
    consumer = started();
    await reached(8);
    expect(await grossOf()).toBe('36.010');
  });

  it('tells screens after the commit, of what is committed', async () => {
    const seen: KpiSnapshot[] = [];
    const leave = hub.subscribe(log.tenant, (snapshot) => seen.push(snapshot));
    await append(sample);
    const last = await eventually('the snapshot of position 8', () => seen.find((snapshot) => snapshot.asOf['sales/0'] === 8));
    expect(last.kpis[0]).toMatchObject({ currency: 'EUR', gross: '36.010' });
    leave();
  });

  it('parks what it cannot read, counts it, and takes the rest', async () => {
    await append([sample[0]!, { order: SAMPLE_ORDERS[1]!, data: { orderId: 'o2' } }, sample[4]!]);
    await reached(3);
    expect([await grossOf(), (await eventually('the count', () => status()?.parked === 1 && status()))]).toEqual(['34.90', expect.objectContaining({ parked: 1, position: 3 })]);
  });

  it('stands still as diverged when the log is of another epoch than its checkpoint', async () => {
    await append(sample.slice(0, 2));
    await reached(2);
    await consumer.close();
    await withClient(events.url, (owner) => renewEpoch(owner, log));
    consumer = started();
    const diverged = await eventually('divergence', () => status()?.state === 'diverged' && status());
    expect(diverged).toMatchObject({ reason: expect.stringMatching(/epoch/) });
    expect(await grossOf()).toBe('41.565');
  });
});
