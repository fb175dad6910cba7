import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { decodeMessage, streamNameOf } from '@millrace/event-bus';
import { PgEventStore, type AppendUnit } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { eventually, ownPostgres, uniqueTenant } from '@millrace/testing';
import type { LogStanding } from '../event-log/log-standing.ts';
import { guardedNats, idsOf, PASSWORD, prepared, runBackbone, unitsOf, type RunningBackbone } from '../testing.ts';

// The app with its own role and its own nkey, on servers that are taken away from it one after the other.
let postgres: Awaited<ReturnType<typeof ownPostgres>>;
let nats: Awaited<ReturnType<typeof guardedNats>>;
/** Appends as ingestion, which may not read what it has appended. */
let store: PgEventStore;
/** Reads all, as an administrator. */
let reader: PgEventStore;
let running: RunningBackbone;

const started = (): Promise<RunningBackbone> => runBackbone({ eventsUrl: postgres.url('postgres', 'millrace_backbone', PASSWORD), natsUrl: nats.url, seed: nats.seedOf('backbone'), foldCountersMs: 100 });
beforeAll(async () => {
  [postgres, nats] = await Promise.all([ownPostgres(), guardedNats()]);
  await prepared(postgres.url('postgres', 'postgres', postgres.password));
  store = PgEventStore.connect({ url: postgres.url('postgres', 'millrace_ingestion', PASSWORD), applicationName: 'spec' });
  reader = PgEventStore.connect({ url: postgres.url('postgres', 'postgres', postgres.password), applicationName: 'spec' });
  running = await started();
});
afterAll(async () => {
  await running.close();
  await Promise.all([store.close(), reader.close()]);
  await Promise.all([postgres.remove(), nats.remove()]);
});

const freshLog = (): LogKey => ({ tenant: uniqueTenant(), context: 'sales', shard: 0 });
const standingOf = async ({ tenant }: LogKey, at = running): Promise<LogStanding | undefined> => ((await at.json(`/v1/logs?tenant=${tenant}`)) as { logs: LogStanding[] }).logs[0];
const relayed = (log: LogKey, position: number, at = running): Promise<LogStanding> => eventually(`position ${position} relayed`, async () => {
  const standing = await standingOf(log, at);
  return standing?.relayed === position && standing;
});
const ready = async (): Promise<{ status: number; body: unknown }> => {
  const response = await running.get('/ready');
  return { status: response.status, body: await response.json() };
};
/** A check that takes longer than its time says so for a moment: waited out, not told apart. */
const readyIs = async (status: number, checks: Record<string, string>): Promise<void> => {
  const last = await eventually(`ready: ${JSON.stringify(checks)}`, async () => {
    const { body, ...answer } = await ready();
    return answer.status === status && Object.entries(checks).every(([name, said]) => (body as { checks: Record<string, string> }).checks[name] === said) && body;
  });
  expect(last).toEqual({ ready: status === 200, checks });
};

/** Event ids on the log's stream by sequence, with the grants of the relay. */
const onStream = async (log: LogKey): Promise<[number, string][]> => {
  const nc = await connect({ servers: nats.url, inboxPrefix: '_INBOX.backbone', authenticator: nkeyAuthenticator(new TextEncoder().encode(nats.seedOf('backbone'))) });
  try {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const { epoch } = (await store.head(log))!;
    const name = streamNameOf(log, epoch);
    const { state } = await jsm.streams.info(name);
    const found: [number, string][] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = (await jsm.streams.getMessage(name, { seq }))!;
      found.push([seq, decodeMessage(log, epoch, seq, message.data).envelope.id]);
    }
    return found;
  } finally {
    // Also when the stream is not there (yet): a link left open keeps the run from ending.
    await nc.close();
  }
};

/** What the stream must hold: the log as Postgres has it, which is these events, each once. Order between streams is the appender's choice. */
const expectedOf = async (log: LogKey, units: readonly AppendUnit[]): Promise<[number, string][]> => {
  const stored = (await reader.read(log, 0, 5000)).map((event): [number, string] => [event.position, event.envelope.id]);
  expect(stored.map(([, id]) => id).toSorted()).toEqual(idsOf(units).toSorted());
  expect(stored.map(([position]) => position)).toEqual(units.map((_, at) => at + 1));
  return stored;
};

describe('with its own grants', () => {
  it('relays every tenant\'s every log, so that sequence is position', async () => {
    const logs: LogKey[] = [freshLog(), freshLog()].flatMap((log) => [log, { ...log, shard: 3 }, { ...log, context: 'clickstream' as const }]);
    const units = logs.map((log) => unitsOf(log, 40));
    await Promise.all(logs.map((log, at) => store.append(log, units[at]!)));
    for (const [at, log] of logs.entries()) {
      await eventually('all relayed', async () => ((await running.json(`/v1/logs?tenant=${log.tenant}`)) as { logs: LogStanding[] }).logs.filter(({ relayed: to, head }) => to === 40 && head === 40).length === 3);
      expect(await onStream(log)).toEqual(await expectedOf(log, units[at]!));
    }
  });

  it('is ready, and tells Prometheus how far it is', async () => {
    const log = freshLog();
    await store.append(log, unitsOf(log, 3));
    await relayed(log, 3);
    await readyIs(200, { events: 'ok', nats: 'ok' });
    expect(await (await running.get('/metrics')).text()).toContain(`millrace_relay_lag_events{tenant="${log.tenant}",log="sales/0"} 0`);
  });

  it('folds the counters by itself', async () => {
    const log = freshLog();
    for (let round = 0; round < 5; round += 1) await store.append(log, unitsOf(log, 2), { countAs: 'intake' });
    // What is folded already can't be folded again: this one saves nothing once the app's own turn has come.
    await eventually('folded', async () => (await reader.compactCounts()) === 0);
    expect(await running.json(`/v1/accounting?tenant=${log.tenant}`)).toEqual({ sources: [{ tenant: log.tenant, source: 'web', received: 0, accepted: 10, duplicate: 0, rejected: 0, unanswered: -10 }] });
  });
});

describe('two apps at once', () => {
  it('double nothing and leave nothing out, and both know', async () => {
    const log = freshLog();
    const second = await started();
    const units = unitsOf(log, 1500);
    for (let from = 0; from < units.length; from += 50) await store.append(log, units.slice(from, from + 50));
    await Promise.all([relayed(log, 1500), relayed(log, 1500, second)]);
    expect(await onStream(log)).toEqual(await expectedOf(log, units));
    await second.close();
    await store.append(log, unitsOf(log, 1));
    await relayed(log, 1501);
  });
});

describe('when NATS', () => {
  it('is killed and comes back, the relay goes on with what was appended meanwhile', async () => {
    const log = freshLog();
    const units = unitsOf(log, 300);
    await store.append(log, units.slice(0, 100));
    await relayed(log, 100);
    await nats.kill();
    await readyIs(503, { events: 'ok', nats: 'bus-unavailable' });
    await store.append(log, units.slice(100));
    expect(await standingOf(log)).toMatchObject({ head: 300 });
    await nats.restart();
    expect(await relayed(log, 300)).toMatchObject({ state: 'relaying' });
    expect(await onStream(log)).toEqual(await expectedOf(log, units));
    await eventually('ready again', async () => (await ready()).status === 200);
  });

  it('loses its JetStream folder, every stream is filled again from the log', async () => {
    const logs = [freshLog(), freshLog()];
    const units = logs.map((log) => unitsOf(log, 1200));
    for (const [at, log] of logs.entries()) {
      await store.append(log, units[at]!.slice(0, 1100));
      await relayed(log, 1100);
    }
    await nats.kill();
    await rm(nats.jetstream, { recursive: true });
    await store.append(logs[0]!, units[0]!.slice(1100));
    await nats.restart();
    await relayed(logs[0]!, 1200);
    // Nothing was appended to this one: it is found missing all the same.
    await eventually('the quiet log\'s stream is back', async () => (await onStream(logs[1]!).catch(() => [])).length === 1100);
    expect(await onStream(logs[0]!)).toEqual(await expectedOf(logs[0]!, units[0]!));
    expect(await onStream(logs[1]!)).toEqual(await expectedOf(logs[1]!, units[1]!.slice(0, 1100)));
  });
});

describe('when Postgres', () => {
  it('is killed, says so and answers 503; when it is back, everything goes on', async () => {
    const log = freshLog();
    const units = unitsOf(log, 200);
    await store.append(log, units.slice(0, 100));
    await relayed(log, 100);
    await postgres.kill();
    await readyIs(503, { events: 'event-store-unavailable', nats: 'ok' });
    const response = await running.get(`/v1/logs?tenant=${log.tenant}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([503, expect.stringContaining('application/problem+json')]);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'event-store-unavailable', status: 503 });
    expect(text).not.toMatch(/for-this-run|ECONNREFUSED/);
    expect((await fetch(`${running.address}/live`)).status).toBe(200);
    await postgres.restart();
    await eventually('ready again', async () => (await ready()).status === 200);
    await store.append(log, units.slice(100));
    await relayed(log, 200);
    expect(await onStream(log)).toEqual(await expectedOf(log, units));
  });
});

describe('a new process', () => {
  it('goes on where the last one stood, though that kept nothing', async () => {
    const log = freshLog();
    const units = unitsOf(log, 500);
    await store.append(log, units.slice(0, 250));
    await relayed(log, 250);
    await running.close();
    await store.append(log, units.slice(250));
    running = await started();
    await relayed(log, 500);
    expect(await onStream(log)).toEqual(await expectedOf(log, units));
  });
});
