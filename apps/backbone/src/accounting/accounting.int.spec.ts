import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BusLink, LogStream, routed, respond } from '@millrace/event-bus';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { eventually, freshDatabase, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { guardedNats, PASSWORD, prepared, runBackbone, unitsOf, type RunningBackbone } from '../testing.ts';
import { DifferenceLog, type OpenDifference } from './difference-log.ts';

const tenant = uniqueTenant();
const log: LogKey = { tenant, context: 'sales', shard: 0 };
let events: TestDatabase;
let nats: Awaited<ReturnType<typeof guardedNats>>;
let backbone: RunningBackbone;
let store: PgEventStore;
let warehouse: BusLink;
/** What the stand-in for the warehouse says of itself. */
let standing: Record<string, unknown>;

beforeAll(async () => {
  [events, nats] = await Promise.all([freshDatabase({ template: 'backbone_events', migrate: prepared }), guardedNats()]);
  store = PgEventStore.connect({ url: events.urlAs('millrace_ingestion', PASSWORD), applicationName: 'spec' });
  await store.recordReceipt(tenant, 'web', 40);
  await store.append(log, unitsOf(log, 40), { countAs: 'intake' });
  standing = { tenant, log: 'sales/0', epoch: (await store.heads())[0]!.epoch, position: 40, state: 'running', parked: 0, taken: 40, takenFrom: 0 };
  warehouse = BusLink.open({ url: nats.url, service: 'warehouse', seed: nats.seedOf('warehouse') });
  (await warehouse.ready(30_000)).subscribe('query.warehouse.consumers', { queue: 'warehouse', callback: (_, message) => respond(message, Buffer.from(JSON.stringify({ consumers: [standing] }))) });
  backbone = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: nats.url, seed: nats.seedOf('backbone'), reconcileMs: 100 });
});
afterAll(async () => {
  await backbone.close();
  await warehouse.close();
  await store.close();
  await nats.remove();
  await events.drop();
});

const open = async (): Promise<OpenDifference[]> => ((await backbone.json(`/v1/differences?tenant=${tenant}`)) as { differences: OpenDifference[] }).differences;
const told = async (): Promise<[string, string, string][]> => {
  const reader = PgEventStore.connect({ url: events.urlAs('millrace_backbone', PASSWORD), applicationName: 'spec' });
  const facts = await reader.read({ tenant, context: 'backbone', shard: 0 }, 0, 1000);
  await reader.close();
  return facts.map(({ envelope, data }) => { const fact = JSON.parse(Buffer.from(data).toString()) as { kind: string; about: string }; return [envelope.type.replace('backbone.difference.', ''), fact.kind, fact.about]; });
};
const asOwner = (sql: string, ...values: unknown[]): Promise<unknown> => withClient(events.url, (client) => client.query(sql, values));
const takeOff = (outcome: string, n: number): Promise<unknown> => asOwner(`update millrace.intake_count set n = n - $3
  where ctid = (select ctid from millrace.intake_count where tenant = $1 and source = 'web' and outcome = $2 and n >= $3 limit 1)`, tenant, outcome, n);
const found = (kind: string) => eventually(`${kind} found`, async () => (await open()).find((one) => one.kind === kind));
const settled = () => eventually('all settled', async () => (await open()).length === 0);

describe('counts that agree', () => {
  it('are told nothing of', async () => {
    await eventually('looked', async () => (await (await backbone.get('/metrics')).text()).includes('relay_lag_events'));
    await eventually('relayed', async () => ((await backbone.json(`/v1/logs?tenant=${tenant}`)) as { logs: { relayed: number }[] }).logs[0]?.relayed === 40);
    expect([await open(), await told()]).toEqual([[], []]);
  });
});

describe('a difference that is planted', () => {
  it('in the counters of a source is named, told once, shown in metrics, and settled when it is mended', async () => {
    await asOwner(`insert into millrace.intake_count values ($1, 'web', 'accepted', 3)`, tenant);
    expect(await found('source-accepted')).toMatchObject({ tenant, about: 'web', expected: '43 events accepted', actual: '40 events in the logs' });
    expect(await found('source-unaccounted')).toMatchObject({ about: 'web', actual: '3 more than received' });
    expect(await (await backbone.get('/metrics')).text()).toContain(`millrace_accounting_differences{tenant="${tenant}",kind="source-accepted"} 1`);
    await takeOff('accepted', 3);
    await settled();
    expect((await told()).filter(([, kind]) => kind === 'source-accepted')).toEqual([['found', 'source-accepted', 'web'], ['settled', 'source-accepted', 'web']]);
  });

  it('in what a consumer has taken is named with consumer and log', async () => {
    standing = { ...standing, taken: 39 };
    expect(await found('consumer-count')).toMatchObject({ about: 'warehouse/sales/0', expected: '40 events from 1 to 40', actual: '39 events taken' });
    standing = { ...standing, taken: 40, position: 41 };
    expect(await found('consumer-ahead')).toMatchObject({ about: 'warehouse/sales/0', expected: 'at most 40 consumed', actual: 'stands at 41' });
    standing = { ...standing, position: 40 };
    await settled();
  });

  it('in the stream is named with the log', async () => {
    const link = BusLink.open({ url: nats.url, service: 'backbone', seed: nats.seedOf('backbone') });
    const stream = await LogStream.of(await link.ready(30_000), log, (await store.heads())[0]!.epoch);
    const [last] = await (async () => { const reader = PgEventStore.connect({ url: events.urlAs('millrace_backbone', PASSWORD), applicationName: 'spec' }); const page = await reader.read(log, 39, 1); await reader.close(); return page; })();
    expect(await stream.publish(40, [routed({ ...last!, position: 41 })])).toBe('committed');
    expect(await found('relay-count')).toMatchObject({ about: 'sales/0', expected: 'at most 40 relayed', actual: 'the stream ends at 41' });
    await stream.remove();
    await settled();
    await link.close();
  });

  it('in the log itself is named with its range', async () => {
    await asOwner(`create table kept as select * from millrace.event where tenant = $1 and context = 'sales' and position = 7`, tenant);
    await asOwner(`delete from millrace.event where tenant = $1 and context = 'sales' and position = 7`, tenant);
    expect(await found('log-count')).toMatchObject({ about: 'sales/0', expected: '40 events from 1 to 40', actual: '39 events' });
    await asOwner('insert into millrace.event select * from kept');
    await settled();
  });

  it('is told once by two backbones, and remembered by one that starts later', async () => {
    const before = (await told()).length;
    await asOwner(`insert into millrace.intake_count values ($1, 'web', 'duplicate', 5)`, tenant);
    await found('source-unaccounted');
    const second = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: nats.url, seed: nats.seedOf('backbone'), reconcileMs: 100 });
    await eventually('the second knows', async () => ((await second.json(`/v1/differences?tenant=${tenant}`)) as { differences: OpenDifference[] }).differences.length === 1);
    await takeOff('duplicate', 5);
    await settled();
    await second.close();
    expect((await told()).slice(before).filter(([, kind]) => kind === 'source-unaccounted')).toEqual([['found', 'source-unaccounted', 'web'], ['settled', 'source-unaccounted', 'web']]);
  });

  it('is told once also by one that decided before the other had told it', async () => {
    const other = uniqueTenant();
    const owner = PgEventStore.connect({ url: events.urlAs('millrace_backbone', PASSWORD), applicationName: 'spec' });
    const [one, two] = [1, 2].map(() => new DifferenceLog(owner, new FactLog(owner, 'backbone')));
    const difference = { tenant: other, kind: 'log-count', about: 'sales/0', expected: '10 events', actual: '9 events' } as const;
    for (const word of ['found', 'settled', 'found', 'settled'] as const) {
      expect([(await one!.open([other])).length, (await two!.open([other])).length]).toEqual(word === 'found' ? [0, 0] : [1, 1]);
      expect([await one![word](difference), await two![word](difference)]).toEqual([true, false]);
    }
    const facts = await owner.read({ tenant: other, context: 'backbone', shard: 0 }, 0, 100);
    expect(facts.map(({ envelope }) => envelope.type.split('.').at(-1))).toEqual(['found', 'settled', 'found', 'settled']);
    await owner.close();
  });
});
