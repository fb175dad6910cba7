import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { LogExplanation } from '@millrace/contracts';
import { BusLink, OrderedConsumers, respond, streamNameOf, type BatchHandler, type ConsumerStatus, type EventBatch } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import { logName, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';
import { jetstreamManager } from '@nats-io/jetstream';
import { eventually, freshDatabase, postgresUrl, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import type { LogStanding } from '../event-log/log-standing.ts';
import { guardedNats, PASSWORD, prepared, runBackbone, TOKEN, unitsOf, type RunningBackbone } from '../testing.ts';
import type { RecoveredLog } from './recovery.ts';

/** Effects and marks of a consumer, kept while its process comes and goes. */
class ReadModel implements BatchHandler {
  readonly marks = new Map<string, LogMark>();
  readonly effects = new Map<string, string[]>();
  private readonly known = new Map<string, LogKey>();
  private readonly key = (log: LogKey): string => `${log.tenant} ${logName(log)}`;

  async load(log: LogKey): Promise<LogMark | undefined> { return this.marks.get(this.key(log)); }
  async logs(): Promise<LogKey[]> { return [...this.known.values()].filter((log) => this.marks.has(this.key(log))); }
  async adopt(log: LogKey, mark: LogMark): Promise<void> { this.marks.set(this.key(log), mark); }
  async parked(): Promise<number> { return 0; }
  async apply({ log, mark, events }: EventBatch): Promise<void> {
    this.known.set(this.key(log), log);
    this.effects.set(this.key(log), [...this.effects.get(this.key(log)) ?? [], ...events.map(({ envelope }) => envelope.id)]);
    this.marks.set(this.key(log), mark);
  }
  async reset(log: LogKey): Promise<void> { this.effects.delete(this.key(log)); this.marks.delete(this.key(log)); }
  of(log: LogKey): string[] { return this.effects.get(this.key(log)) ?? []; }
}

let nats: Awaited<ReturnType<typeof guardedNats>>;
const open: (() => Promise<unknown>)[] = [];
const databases: TestDatabase[] = [];
const closeAll = async (): Promise<void> => { for (const close of open.splice(0).toReversed()) await close(); };

beforeAll(async () => { nats = await guardedNats(); });
afterEach(closeAll);
afterAll(async () => {
  await nats.remove();
  for (const database of databases) await database.drop();
});

const database = async (): Promise<string> => {
  const made = await freshDatabase({ template: 'backbone_events', migrate: prepared });
  databases.push(made);
  return made.name;
};
/** What a restore of a backup taken now would give. Nobody may be connected. */
const backupOf = async (name: string): Promise<string> => {
  const copy = uniqueName('restored');
  await withClient(postgresUrl(), (admin) => admin.query(`create database ${copy} template ${name}`));
  databases.push({ ...databases[0]!, name: copy, drop: () => withClient(postgresUrl(), async (admin) => { await admin.query(`drop database ${copy} with (force)`); }) });
  return copy;
};
const urlOf = (name: string, service: string): string => Object.assign(new URL(postgresUrl(name)), { username: `millrace_${service}`, password: PASSWORD }).href;
const storeOf = (name: string, service = 'ingestion'): PgEventStore => {
  const store = PgEventStore.connect({ url: urlOf(name, service), applicationName: 'spec', poolSize: 3 });
  open.push(() => store.close());
  return store;
};
const backboneOn = async (name: string): Promise<RunningBackbone> => {
  const running = await runBackbone({ eventsUrl: urlOf(name, 'backbone'), natsUrl: nats.url, seed: nats.seedOf('backbone') });
  open.push(() => running.close());
  return running;
};
/** Analytics as backbone sees it: its loops, and its answer to how far it is. */
const analyticsOn = async (name: string, handler: ReadModel): Promise<OrderedConsumers> => {
  const link = BusLink.open({ url: nats.url, service: 'analytics', seed: nats.seedOf('analytics') });
  open.push(() => link.close());
  const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader: storeOf(name, 'analytics'), handler, link });
  (await link.ready(30_000)).subscribe('query.analytics.consumers', { queue: 'analytics', callback: (_, message) => respond(message, Buffer.from(JSON.stringify({ consumers: consumers.status() }))) });
  consumers.start();
  open.push(() => consumers.stop());
  return consumers;
};
const freshLog = (): LogKey => ({ tenant: uniqueTenant(), context: 'sales', shard: 0 });
/** With what analytics says of itself, which has three seconds to say it: asked again when it did not. */
const explained = (backbone: RunningBackbone, log: LogKey): Promise<LogExplanation> => eventually('an explanation with analytics in it', async () => {
  const [one] = ((await backbone.json(`/v1/recovery?tenant=${log.tenant}&log=${logName(log)}`)) as { logs: LogExplanation[] }).logs;
  return one !== undefined && !one.silent.includes('analytics') && one;
});
const recover = async (backbone: RunningBackbone, body: Record<string, unknown>): Promise<{ status: number; recovered: RecoveredLog[]; code?: string }> => {
  const response = await fetch(`${backbone.address}/v1/recovery`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, ...await response.json() as { recovered: RecoveredLog[] } };
};
const standing = async (backbone: RunningBackbone, log: LogKey): Promise<LogStanding | undefined> =>
  ((await backbone.json(`/v1/logs?tenant=${log.tenant}`)) as { logs: LogStanding[] }).logs.find((one) => one.log === logName(log));
const relayed = (backbone: RunningBackbone, log: LogKey, position: number) => eventually(`${position} relayed`, async () => { const found = await standing(backbone, log); return found?.relayed === position && found.state === 'relaying' && found; });
const statusOf = (consumers: OrderedConsumers, log: LogKey): ConsumerStatus | undefined => consumers.status().find(({ tenant }) => tenant === log.tenant);
const consumed = (consumers: OrderedConsumers, log: LogKey, position: number) => eventually(`${position} consumed`, () => { const found = statusOf(consumers, log); return found?.state === 'running' && found.position === position && found; });
const facts = async (store: PgEventStore, tenant: string): Promise<StoredEvent[]> => store.read({ tenant, context: 'backbone', shard: 0 }, 0, 100);
const idsIn = async (store: PgEventStore, log: LogKey): Promise<string[]> => (await store.read(log, 0, 1000)).map(({ envelope }) => envelope.id);

/** Fifty events relayed and consumed; then the event database alone is put back to thirty and goes on with five others. */
const diverged = async () => {
  const [log, original, handler] = [freshLog(), await database(), new ReadModel()];
  await storeOf(original).append(log, unitsOf(log, 30));
  await closeAll();
  const restored = await backupOf(original);
  await storeOf(original).append(log, unitsOf(log, 20));
  await relayed(await backboneOn(original), log, 50);
  await consumed(await analyticsOn(original, handler), log, 50);
  await closeAll();
  await storeOf(restored).append(log, unitsOf(log, 5));
  const [backbone, analytics] = [await backboneOn(restored), await analyticsOn(restored, handler)];
  await eventually('both diverged', async () => (await standing(backbone, log))?.state === 'diverged' && statusOf(analytics, log)?.state === 'diverged');
  return { log, restored, handler, backbone, analytics };
};

describe('an event database restored alone', () => {
  it('is explained with counts and ranges, and explaining changes nothing', async () => {
    const { log, restored, backbone, handler } = await diverged();
    const made = await explained(backbone, log);
    const epoch = made!.epoch;
    expect(made).toEqual({
      tenant: log.tenant, log: 'sales/0', state: 'diverged', epoch, head: 35, agreesThrough: 30, previousHead: 50, greatestEpoch: epoch,
      reasons: ['the stream ends at 50, ahead of the log, which ends at 35', 'analytics stands at 50, ahead of the log, which ends at 35'],
      stream: { epoch, first: 1, last: 50, agreesThrough: 30 }, silent: ['warehouse'],
      consumers: [{
        name: 'analytics', epoch, position: 50, state: 'diverged', action: 'starts-over', agreesThrough: 30, exact: true,
        loses: { from: 31, to: 50, events: 20 }, repeats: { from: 1, to: 30, events: 30 }, appliesAnew: { from: 31, to: 35, events: 5 },
      }],
    });
    expect(await explained(backbone, log)).toEqual(made);
    const store = storeOf(restored, 'backbone');
    expect([(await store.head(log))?.epoch, await store.epochs(log), await facts(store, log.tenant), handler.of(log).length]).toEqual([epoch, [], [], 50]);
  });

  it('is mended: new epoch and stream, the consumer equal to the log, the fact told once, a second time nothing', async () => {
    const { log, restored, backbone, analytics, handler } = await diverged();
    const frozen = storeOf(restored);
    await frozen.append(log, unitsOf(log, 1));
    const before = (await storeOf(restored, 'backbone').head(log))!.epoch;
    const { recovered } = await recover(backbone, { tenant: log.tenant, reason: 'disk failed; restored from last night' });
    expect(recovered).toEqual([{ tenant: log.tenant, log: 'sales/0', epoch: expect.any(Number), previousEpoch: before }]);
    const { epoch } = recovered[0]!;
    expect(epoch).toBeGreaterThan(before);
    await relayed(backbone, log, 36);
    await consumed(analytics, log, 36);
    const store = storeOf(restored, 'backbone');
    expect(handler.of(log)).toEqual(await idsIn(store, log));
    expect(await store.epochs(log)).toMatchObject([{ epoch, previousEpoch: before, fromPosition: 31, head: 36, previousHead: 50 }]);
    const told = await facts(store, log.tenant);
    expect(told.map(({ envelope, data }) => [envelope.type, JSON.parse(Buffer.from(data).toString())])).toEqual([['backbone.log.recovered', { context: 'sales', shard: 0, epoch, previousEpoch: before, head: 36, previousHead: 50, reason: 'disk failed; restored from last night' }]]);
    expect(await explained(backbone, log)).toMatchObject({ state: 'agrees', reasons: [], recovery: { epoch } });
    expect((await recover(backbone, { tenant: log.tenant, reason: 'again' })).recovered).toEqual([]);
    expect([(await store.head(log))?.epoch, (await facts(store, log.tenant)).length]).toEqual([epoch, 1]);
    // Woken from before the recovery: what it had decided on the old epoch is refused, by the server.
    await expect(frozen.append(log, unitsOf(log, 1))).rejects.toMatchObject({ code: 'epoch-renewed' });
    await expect(frozen.append(log, unitsOf(log, 1), { epoch: before })).rejects.toMatchObject({ code: 'epoch-renewed' });
    expect(await frozen.append(log, unitsOf(log, 1))).toMatchObject([{ kind: 'appended', position: 37 }]);
    await consumed(analytics, log, 37);
  });

  it('is mended once however many recover it at once, and what a cut-off recovery left is finished by the next', async () => {
    const { log, restored, backbone, analytics, handler } = await diverged();
    const store = storeOf(restored, 'backbone');
    const { epoch, greatestEpoch, agreesThrough, previousHead } = (await explained(backbone, log))!;
    // A recovery that died after its first commit: the epoch is renewed, nothing is told.
    const renewal = { expected: epoch, above: greatestEpoch, from: agreesThrough + 1, previousHead, reason: 'cut off' };
    const renewed = await store.renewEpoch(log, renewal);
    expect(await store.renewEpoch(log, renewal)).toBe(renewed);
    await expect(store.renewEpoch(log, { ...renewal, expected: epoch - 1 })).rejects.toMatchObject({ code: 'epoch-renewed' });
    const outcomes = await Promise.all([1, 2, 3].map(() => recover(backbone, { reason: 'finished' })));
    expect(outcomes.map(({ status }) => status)).toEqual([200, 200, 200]);
    await consumed(analytics, log, 35);
    expect(handler.of(log)).toEqual(await idsIn(store, log));
    expect([(await store.epochs(log)).map((made) => made.epoch), (await facts(store, log.tenant)).length]).toEqual([[renewed], 1]);
  });

  it('to before its first event is found by its stream and its consumer alone, and mended to an empty log', async () => {
    const [log, original, handler] = [freshLog(), await database(), new ReadModel()];
    const restored = await backupOf(original);
    await storeOf(original).append(log, unitsOf(log, 12));
    await relayed(await backboneOn(original), log, 12);
    await consumed(await analyticsOn(original, handler), log, 12);
    const before = (await storeOf(original, 'backbone').head(log))!.epoch;
    await closeAll();
    const [backbone, analytics] = [await backboneOn(restored), await analyticsOn(restored, handler)];
    await eventually('relay diverged', async () => (await standing(backbone, log))?.state === 'diverged');
    expect(await standing(backbone, log)).toMatchObject({ head: 0, relayed: 12, epoch: before, reason: expect.stringContaining(`the event database has no log ${log.tenant} sales/0`) });
    expect(await eventually('consumer diverged', () => { const found = statusOf(analytics, log); return found?.state === 'diverged' && found; })).toMatchObject({ position: 12, epoch: before });
    expect(await explained(backbone, log)).toMatchObject({ state: 'diverged', epoch: 0, head: 0, agreesThrough: 0, previousHead: 12, consumers: [{ action: 'starts-over', loses: { from: 1, to: 12, events: 12 } }] });
    const { recovered } = await recover(backbone, { tenant: log.tenant, reason: 'lost' });
    expect(recovered).toMatchObject([{ log: 'sales/0', previousEpoch: before }]);
    await eventually('the effects gone', () => handler.of(log).length === 0);
    await storeOf(restored).append(log, unitsOf(log, 4));
    await relayed(backbone, log, 4);
    await consumed(analytics, log, 4);
    expect(handler.of(log)).toEqual(await idsIn(storeOf(restored, 'backbone'), log));
    const jsm = await jetstreamManager(await busAsBackbone(), { checkAPI: false });
    expect((await jsm.streams.info(streamNameOf(log, recovered[0]!.epoch))).state).toMatchObject({ first_seq: 1, last_seq: 4 });
  });
});

const busAsBackbone = async () => {
  const link = BusLink.open({ url: nats.url, service: 'backbone', seed: nats.seedOf('backbone') });
  open.push(() => link.close());
  return link.ready(30_000);
};

describe('asking for it', () => {
  it.each([
    ['no reason', {}], ['an empty one', { reason: ' ' }], ['one too long', { reason: 'x'.repeat(501) }], ['a tenant that can be none', { tenant: 'A', reason: 'r' }],
    ['a log that can be none', { log: 'sales', reason: 'r' }], ['something unknown', { force: true, reason: 'r' }],
  ])('with %s is refused and changes nothing', async (_, body) => {
    const backbone = await backboneOn(await database());
    expect(await recover(backbone, body)).toMatchObject({ status: 400 });
  });
});
