import fc from 'fast-check';
import { DomainError, logName, type LogKey, type LogMark } from '@millrace/kernel';
import { freshDatabase, uniqueName, type TestDatabase } from '@millrace/testing';
import { listBuilds, makeBuild, type Build } from './build-catalog.ts';
import { BuildReplay } from './build-replay.ts';
import { BUILD_TABLES_UP, buildConsumer, CONSUMER_TABLES_UP } from './consumer-tables.ts';
import { ProjectionBuilds } from './projection-builds.ts';
import type { VersionedProjection } from './projection.ts';
import { laneOf } from './replay-lanes.ts';
import { rowsOf, type Sql } from './sql.ts';
import { PoolScope, SampleLogs, type SampleFact } from './testing.ts';

let database: TestDatabase;
let scope: PoolScope;
beforeAll(async () => {
  database = await freshDatabase();
  scope = new PoolScope(database.url, 12);
  for (const text of [...CONSUMER_TABLES_UP, ...BUILD_TABLES_UP]) await scope.query(text);
});
afterAll(async () => {
  await scope.pool.end();
  await database.drop();
});

const LOGS: readonly LogKey[] = [0, 1, 2].map((shard) => ({ tenant: 'shop', context: 'sales', shard }));

/** Two tables: a text per log and key that shows any other order and any second application, and sums that all keys and logs add to. */
const stories = (name: string, replayLanes: number): VersionedProjection<Sql> => ({
  name, version: 1, types: ['sales.order.placed'], contexts: ['sales'], replayLanes,
  tables: ['create table story (log text, key text, text text not null, primary key (log, key))', 'create table total (parity integer primary key, n bigint not null)'],
  async apply(tx, events) {
    for (const { stored, data } of events) {
      if (data['n'] === 13) throw new DomainError('invalid', 'unlucky', {}, 'Thirteen.');
      await tx.query('insert into story as s values ($1, $2, $3) on conflict (log, key) do update set text = s.text || excluded.text', [logName(stored.log), data['key'], `${String(data['n'])},`]);
    }
    for (const parity of [0, 1]) {
      const n = events.map(({ data }) => Number(data['n'])).filter((value) => value % 2 === parity).reduce((sum, value) => sum + value, 0);
      await tx.query('insert into total as t values ($1, $2) on conflict (parity) do update set n = t.n + excluded.n', [parity, n]);
    }
  },
});

interface Outcome { readonly story: Record<string, string>; readonly total: number; readonly parked: string[] }

/** One event after the other, without a database, batches, lanes or crashes: what must come out. */
const foldOf = (logs: SampleLogs): Outcome => {
  const [story, parked, stuck] = [{} as Record<string, string>, [] as string[], new Set<string>()];
  let total = 0;
  for (const log of LOGS) {
    for (const { position, data } of logs.events(log)) {
      const { key, n } = JSON.parse(Buffer.from(data).toString()) as { key: string; n: number };
      const place = `${logName(log)} ${key}`;
      if (n === 13) stuck.add(place);
      if (stuck.has(place)) parked.push(`${logName(log)}:${position}`);
      else {
        story[place] = `${story[place] ?? ''}${n},`;
        total += n;
      }
    }
  }
  return { story, total, parked: parked.toSorted() };
};

const outcomeOf = async (build: Build): Promise<Outcome> => {
  const rows = rowsOf(await scope.query(`select log, key, text from ${build.schema}.story`));
  const parked = rowsOf(await scope.query('select shard, position from parked_event where consumer = $1', [buildConsumer(build.projection, build.build)]));
  return {
    story: Object.fromEntries(rows.map((row) => [`${String(row['log'])} ${String(row['key'])}`, String(row['text'])])),
    total: Number(rowsOf(await scope.query(`select coalesce(sum(n), 0) as n from ${build.schema}.total`))[0]?.['n']),
    parked: parked.map((row) => `sales/${String(row['shard'])}:${String(row['position'])}`).toSorted(),
  };
};

const fact: fc.Arbitrary<SampleFact> = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), n: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 1, arbitrary: fc.constant(13) }) });
const shop = fc.tuple(...LOGS.map(() => fc.array(fact, { maxLength: 24 })));
const filled = (facts: readonly (readonly SampleFact[])[]): SampleLogs => {
  const logs = new SampleLogs();
  facts.forEach((some, index) => logs.append(LOGS[index]!, some));
  return logs;
};
const endOf = async (logs: SampleLogs): Promise<{ log: LogKey; mark: LogMark }[]> =>
  (await logs.heads()).filter(({ position }) => position > 0).map(({ tenant, context, shard, epoch, position, leaf }) => ({ log: { tenant, context, shard }, mark: { epoch, position, leaf: leaf! } }));

/** Runs a replay as a process would until it is caught up or dies; true when it caught up. */
const live = async (build: Build, rule: VersionedProjection<Sql>, logs: SampleLogs, batchEvents: number, shuffled: <T>(list: readonly T[]) => T[]): Promise<boolean> => {
  const outcome = Promise.withResolvers<boolean>();
  const replay = new BuildReplay<Sql>(build, rule, {
    scope, sql: scope, reader: logs, batchEvents, target: async () => shuffled(await endOf(logs)), caughtUp: async () => { outcome.resolve(true); }, onError: () => { outcome.resolve(false); },
  });
  replay.start();
  const caughtUp = await outcome.promise;
  scope.crashes = {};
  await replay.stop();
  return caughtUp;
};

describe('a replay', () => {
  it('comes to what one event after the other comes to: any logs, any cut, any number of lanes, a crash at any statement or commit', async () => {
    const crash = fc.oneof(fc.record({ atStatement: fc.integer({ min: 0, max: 120 }) }), fc.record({ atCommit: fc.integer({ min: 0, max: 8 }) }));
    await fc.assert(fc.asyncProperty(shop, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.array(crash, { maxLength: 5 }), fc.infiniteStream(fc.boolean()), async (facts, lanes, batchEvents, crashes, coins) => {
      const logs = filled(facts);
      const rule = stories(uniqueName('p'), lanes);
      const build = await scope.transaction((tx) => makeBuild(tx, rule, 'building'));
      const shuffled = <T>(list: readonly T[]): T[] => (coins.next().value ? [...list] : list.toReversed());
      for (const next of [...crashes, {}, {}]) {
        scope.crashes = { ...next };
        if ((await live(build, rule, logs, batchEvents, shuffled)) && Object.keys(next).length === 0) break;
      }
      expect(await outcomeOf(build)).toEqual(foldOf(logs));
      expect(rowsOf(await scope.query('select 1 from replay_lane where consumer = $1', [buildConsumer(build.projection, build.build)]))).toEqual([]);
    }), { numRuns: 40 });
  }, 120_000);

  it('deals a key to one lane for ever, and uses all lanes', () => {
    fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, lanes) => {
      expect(laneOf(key, lanes)).toBe(laneOf(key, lanes));
      expect(laneOf(key, lanes)).toBeLessThan(lanes);
    }));
    expect(new Set(Array.from({ length: 200 }, (_, n) => laneOf(`sales.order/${n}`, 8))).size).toBe(8);
  });
});

describe('batches of several logs', () => {
  interface Delivery { readonly log: LogKey; readonly from: number; readonly to: number }

  it('make the same read model for every interleaving and cut, delivered again and by two processes at once', async () => {
    await fc.assert(fc.asyncProperty(shop, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), fc.infiniteStream(fc.nat()), async (facts, cuts, picks) => {
      const logs = filled(facts);
      const rule = stories(uniqueName('p'), 1);
      const processes = [0, 1].map(() => new ProjectionBuilds<Sql>({ live: scope, aside: scope, reader: logs, projections: [rule] }));
      // Both specs' tables have one name; views are for people, and there is nobody here.
      await scope.query('drop view if exists story, total');
      for (const one of processes) await one.start();
      const queues = LOGS.map((log) => {
        const queue: Delivery[] = [];
        for (let from = 0; from < logs.events(log).length;) {
          const to = Math.min(logs.events(log).length, from + (cuts.next().value ?? 1));
          queue.push({ log, from, to });
          from = to;
        }
        return queue;
      });
      const deliver = async ({ log, from, to }: Delivery): Promise<void> => {
        const events = logs.events(log).slice(from, to);
        const last = events.at(-1)!;
        const results = await Promise.allSettled(processes.map((one) => one.handler().apply({ log, events, mark: { epoch: last.epoch, position: last.position, leaf: last.leaf } })));
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      };
      while (queues.some((queue) => queue.length > 0)) {
        const waiting = queues.filter((queue) => queue.length > 0);
        const pick = picks.next().value ?? 0;
        const next = waiting[pick % waiting.length]!.shift()!;
        await deliver(next);
        if (pick % 3 === 0) await deliver(next);
      }
      const build = (await listBuilds(scope)).find(({ projection }) => projection === rule.name)!;
      expect(await outcomeOf(build)).toEqual(foldOf(logs));
      for (const one of processes) await one.stop();
    }), { numRuns: 15 });
  }, 120_000);

  it('are refused when one is missing between them, or when they are of another epoch', async () => {
    const logs = filled([[{ key: 'a', n: 1 }, { key: 'a', n: 2 }, { key: 'a', n: 3 }], [], []]);
    const rule = stories(uniqueName('p'), 1);
    await scope.query('drop view if exists story, total');
    const builds = new ProjectionBuilds<Sql>({ live: scope, aside: scope, reader: logs, projections: [rule] });
    await builds.start();
    const [first, , third] = logs.events(LOGS[0]!);
    const apply = (event: typeof first, epoch = event!.epoch) => builds.handler().apply({ log: LOGS[0]!, events: [event!], mark: { epoch, position: event!.position, leaf: event!.leaf } });
    await apply(first);
    await expect(apply(third)).rejects.toMatchObject({ kind: 'conflict', code: 'batch-out-of-order', details: { first: 3 } });
    await expect(apply(logs.events(LOGS[0]!)[1], 10)).rejects.toMatchObject({ code: 'batch-out-of-order', details: { epoch: 10 } });
    expect((await builds.handler().load(LOGS[0]!))?.position).toBe(1);
    await builds.stop();
  });
});
