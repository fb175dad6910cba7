import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomInt } from 'node:crypto';
import type { LogKey, StoredEvent } from '@millrace/kernel';
import { eventually, ownPostgres } from '@millrace/testing';
import { appendBatch } from './append-batch.ts';
import { NOTHING_KNOWN, planAppend } from './append-plan.ts';
import { sampleEvent, sampleLog, single } from './event-store.conformance.ts';
import { migrateEventStore, PgEventStore, type AppendUnit } from './index.ts';
import { prepareUnits } from './prepared-unit.ts';
import { appendUntilAnswered, GrantedDatabase, statementsOf } from './testing.ts';

const idsOf = (units: readonly AppendUnit[]): string[] => units.flatMap((unit) => unit.events.map((event) => event.envelope.id));
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

/** Reads a log to its end over and over while `running`, as the relay does, and fails at the first gap. */
const follow = async (store: PgEventStore, log: LogKey, running: () => boolean): Promise<StoredEvent[]> => {
  const seen: StoredEvent[] = [];
  for (;;) {
    const last = !running();
    const page = await store.read(log, seen.length, 50);
    expect(page.map((event) => event.position)).toEqual(range(page.length).map((n) => seen.length + n));
    seen.push(...page);
    if (last && page.length === 0) return seen;
  }
};

const versionsByStream = (events: readonly StoredEvent[]): Map<string, number[]> =>
  events.reduce((map, event) => map.set(event.envelope.stream, [...(map.get(event.envelope.stream) ?? []), event.streamVersion]), new Map<string, number[]>());

describe('concurrent appenders', () => {
  let database: GrantedDatabase;
  let service: string;
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    [service = ''] = await database.grant({ appends: ['sales', 'inventory'], reads: ['sales', 'inventory'], relay: false });
  });
  afterAll(() => database.drop());

  /** Takes the head in a transaction of its own, stays there for a while, and commits or not. */
  const slowAppend = async (log: LogKey, unit: AppendUnit, end: 'COMMIT' | 'ROLLBACK' | 'killed'): Promise<void> => {
    const client = await database.client(service);
    const units = prepareUnits(log, [unit], {}, new Date());
    await client.query('BEGIN');
    await appendBatch(statementsOf(client), log, { epoch: undefined, after: undefined }, planAppend(log, units, NOTHING_KNOWN), { counts: [], rejects: [] });
    await client.query('SELECT pg_sleep(0.03)');
    if (end === 'killed') await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
    else await client.query(end);
  };

  it('32 of them, some cut off, some slow, in two tenants with the same streams: dense, in order, nothing lost', async () => {
    const logs = [sampleLog(), sampleLog()];
    const streams = range(8).map((n) => `sales.order/${n}`);
    const stores = range(32).map(() => database.store(service, { poolSize: 2, applicationName: 'concurrent' }));
    let working = true;
    const reader = database.store(service);
    const followers = logs.map((log) => follow(reader, log, () => working));

    const acknowledged = stores.map(async (store, n) => {
      const log = logs[n % 2]!;
      const acks: { log: LogKey; id: string; position: number }[] = [];
      for (let call = 0; call < 12; call += 1) {
        const units = range(randomInt(1, 6)).map(() => single(log, { stream: streams[randomInt(8)]! }));
        const outcomes = await appendUntilAnswered(store, log, units);
        for (const [at, outcome] of outcomes.entries()) {
          if (outcome.kind !== 'appended' && outcome.kind !== 'duplicate') throw new Error(`unexpected ${outcome.kind}`);
          acks.push({ log, id: idsOf(units)[at]!, position: outcome.position });
        }
      }
      return acks;
    });
    const lost = range(9).map((n) => single(logs[n % 2]!, { stream: streams[n % 8]! }));
    const kept: string[] = [];
    const slow = (async () => {
      for (const [n, unit] of lost.entries()) {
        const end = (['COMMIT', 'ROLLBACK', 'killed'] as const)[n % 3]!;
        await slowAppend(logs[(n + 1) % 2]!, unit, end).then(() => (end === 'COMMIT' ? kept.push(...idsOf([unit])) : 0));
      }
    })();
    const killer = (async () => {
      let killed = 0;
      while (working) {
        const rows = await database.owner<{ n: number }>(`SELECT count(pg_terminate_backend(pid))::int AS n FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'concurrent' AND state = 'active' AND query LIKE '%append_events%' ORDER BY random() LIMIT 2) a`);
        killed += rows[0]!.n;
      }
      return killed;
    })();

    const acks = (await Promise.all(acknowledged)).flat();
    await slow;
    working = false;
    expect(await killer).toBeGreaterThan(0);
    const read = await Promise.all(followers);
    for (const [n, events] of read.entries()) {
      const ofLog = acks.filter((ack) => ack.log === logs[n]);
      const at = new Map(events.map((event) => [event.envelope.id, event.position]));
      expect(ofLog.map((ack) => at.get(ack.id))).toEqual(ofLog.map((ack) => ack.position));
      expect(at.size).toBe(events.length);
      expect(events).toHaveLength(ofLog.length + events.filter((event) => kept.includes(event.envelope.id)).length);
      for (const versions of versionsByStream(events).values()) expect(versions).toEqual(range(versions.length));
      expect((await reader.counts(logs[n]!.tenant))[0]!.accepted).toBe(ofLog.length);
    }
  });

  it('of the same ids in opposite orders in two logs never meet in an error', async () => {
    const sales = sampleLog('sales');
    const logs = [sales, { ...sales, context: 'inventory' as const }, { ...sales, shard: 1 }, { ...sales, shard: 2 }];
    const stores = logs.map(() => database.store(service));
    const rounds = range(12).map(() => range(40).map(() => sampleEvent(sales, 'sales.order/x').envelope.id));
    for (const ids of rounds) {
      const outcomes = await Promise.all(logs.map((log, n) => stores[n]!.append(log, ids.toSorted(() => randomInt(3) - 1).map((id) => single(log, { id })))));
      expect(outcomes.flat().filter((outcome) => outcome.kind === 'appended')).toHaveLength(40);
      expect(outcomes.flat().filter((outcome) => outcome.kind === 'duplicate')).toHaveLength(120);
    }
  });

  it('are all answered before a store that is closed lets go', async () => {
    const log = sampleLog();
    const store = database.store(service);
    const answers = Promise.all(range(300).map(() => store.append(log, [single(log)])));
    await store.close();
    expect((await answers).flat().map((outcome) => outcome.kind)).toEqual(range(300).map(() => 'appended'));
    await expect(store.append(log, [single(log)])).rejects.toMatchObject({ code: 'event-store-unavailable' });
  });

  it('of one stream, each at the version it read, all get through by trying again', async () => {
    const log = sampleLog();
    const stream = 'sales.order/contended';
    await Promise.all(range(6).map(async () => {
      const store = database.store(service, { poolSize: 2 });
      for (let done = 0; done < 5;) {
        const version = (await store.readStream(log.tenant, stream, 0, 100)).length;
        const [outcome] = await store.append(log, [{ stream, expectedVersion: version, events: [sampleEvent(log, stream)] }]);
        expect(['appended', 'wrong-version']).toContain(outcome!.kind);
        done += Number(outcome!.kind === 'appended');
      }
    }));
    expect((await database.store(service).readStream(log.tenant, stream, 0, 100)).map((event) => event.streamVersion)).toEqual(range(30));
  });
});

describe('Postgres killed with -9 while appends are in flight', () => {
  it('keeps everything that was acknowledged, once, where it was acknowledged', async () => {
    const server = await ownPostgres();
    const url = server.url('postgres', 'postgres', server.password);
    await migrateEventStore(url);
    const store = PgEventStore.connect({ url, applicationName: 'kill' });
    const log = sampleLog();
    const journal = new Map<string, number>();
    let inFlight = 0;
    let working = true;
    const callers = range(8).map(async () => {
      while (working) {
        const units = range(3).map(() => single(log));
        inFlight += 1;
        const outcomes = await appendUntilAnswered(store, log, units);
        inFlight -= 1;
        for (const [n, outcome] of outcomes.entries()) journal.set(idsOf(units)[n]!, 'position' in outcome ? outcome.position : 0);
      }
    });
    for (const kills of range(3)) {
      await eventually('acknowledged events', () => journal.size >= kills * 200 && inFlight > 0);
      await server.kill();
      await server.restart();
    }
    await eventually('more after the last restart', () => journal.size >= 800);
    working = false;
    await Promise.all(callers);
    const events = await store.read(log, 0, 10_000);
    expect(events.map((event) => event.position)).toEqual(range(events.length));
    expect(new Map(events.map((event) => [event.envelope.id, event.position]))).toEqual(journal);
    expect(await store.counts(log.tenant)).toMatchObject([{ accepted: events.length, rejected: 0 }]);
    await store.close();
    await server.remove();
  });
});
