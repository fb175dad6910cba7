import { Pool } from 'pg';
import { DomainError, type LogKey } from '@millrace/kernel';
import { eventually, freshDatabase, type TestDatabase } from '@millrace/testing';
import { asOfActive, readActiveBuilds } from './build-catalog.ts';
import { BUILD_TABLES_DOWN, BUILD_TABLES_UP, CONSUMER_TABLES_UP } from './consumer-tables.ts';
import { ProjectionBuilds, type ProjectionBuildsOptions } from './projection-builds.ts';
import type { BuildStanding, Switched } from './projection-operations.ts';
import type { VersionedProjection } from './projection.ts';
import { rowsOf, type Sql } from './sql.ts';
import { PoolScope, SampleLogs, type SampleFact } from './testing.ts';

let database: TestDatabase;
let live: PoolScope;
let aside: PoolScope;
let logs: SampleLogs;
let builds: ProjectionBuilds<Sql>;
let told: number[];
let announced: Switched[];
const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const other: LogKey = { ...log, shard: 1 };

/** Sums of n per key; `times` is what another version, or a bug, makes of it. */
const sums = (version: number, times = 1, extra: Partial<VersionedProjection<Sql>> = {}): VersionedProjection<Sql> => ({
  name: 'key-sums', version, types: ['sales.order.placed'], contexts: ['sales'], tables: ['create table key_sum (key text primary key, n numeric not null, events integer not null)'],
  async apply(tx, events) {
    for (const { data } of events) {
      if (data['n'] === 13) throw new DomainError('invalid', 'unlucky', {}, 'Thirteen.');
      await tx.query('insert into key_sum as s values ($1, $2, 1) on conflict (key) do update set n = s.n + excluded.n, events = s.events + 1', [data['key'], Number(data['n']) * times]);
    }
  },
  ...extra,
});

const opened = async (projections: readonly VersionedProjection<Sql>[], options: Partial<ProjectionBuildsOptions<Sql>> = {}): Promise<ProjectionBuilds<Sql>> => {
  builds = new ProjectionBuilds<Sql>({
    live, aside, reader: logs, projections, batchEvents: 4, committed: ({ mark }) => { told.push(mark.position); }, announce: async (switched) => { announced.push(switched); }, ...options,
  });
  await builds.start();
  return builds;
};
/** What the bus delivers: everything after the checkpoint, in batches of two. */
const deliver = async (of: LogKey = log, size = 2): Promise<void> => {
  const handler = builds.handler();
  for (let after = (await handler.load(of))?.position ?? 0; ; after += size) {
    const events = await logs.read(of, after, size);
    const last = events.at(-1);
    if (!last) return;
    await handler.apply({ log: of, events, mark: { epoch: last.epoch, position: last.position, leaf: last.leaf } });
  }
};
const placed = (of: LogKey, ...facts: readonly (readonly [string, number])[]): void => { logs.append(of, facts.map(([key, n]): SampleFact => ({ key, n }))); };
const seen = (): Promise<Record<string, number>> => live.transaction(async (tx) => {
  await tx.query('set transaction isolation level repeatable read, read only');
  await readActiveBuilds(tx);
  return Object.fromEntries(rowsOf(await tx.query('select key, n from key_sum order by key')).map((row) => [String(row['key']), Number(row['n'])]));
});
const standing = async (build: number): Promise<BuildStanding | undefined> => (await builds.list()).find((one) => one.build === build);
const ready = (build: number): Promise<BuildStanding> => eventually(`build ${build} is ready`, async () => {
  const one = await standing(build);
  return one?.state === 'ready' && one.position === one.target ? one : undefined;
});

beforeEach(async () => {
  database = await freshDatabase();
  live = new PoolScope(database.url, 4);
  aside = new PoolScope(database.url, 8);
  for (const text of [...CONSUMER_TABLES_UP, ...BUILD_TABLES_UP]) await live.query(text);
  [logs, told, announced] = [new SampleLogs(), [], []];
});
afterEach(async () => {
  await builds.stop();
  await Promise.all([live.pool.end(), aside.pool.end()]);
  await database.drop();
});

describe('builds of a projection', () => {
  it('begin with one, made at start, that batches go to; a second start changes nothing', async () => {
    await opened([sums(1)]);
    placed(log, ['a', 1], ['b', 2], ['a', 3]);
    placed(other, ['a', 10]);
    await deliver();
    await deliver(other);
    await builds.stop();
    await opened([sums(1)]);
    expect(await seen()).toEqual({ a: 14, b: 2 });
    expect(await builds.list()).toEqual([{ projection: 'key-sums', version: 1, build: 1, state: 'active', position: 4, target: 4, parked: 0 }]);
    expect(await asOfActive(live, 'key-sums', 'shop')).toEqual({ 'sales/0': 3, 'sales/1': 1 });
    expect(rowsOf(await live.query('select key, n::int from key_sum order by key'))).toEqual([{ key: 'a', n: 14 }, { key: 'b', n: 2 }]);
  });

  it('are built again beside the one that is read, differ by what the code does, and are exchanged whole', async () => {
    await opened([sums(1, 2), sums(2)]);
    // start() makes the newest version; a home of before has the older one.
    await live.query(`update projection_build set version = 1`);
    for (let n = 1; n <= 9; n += 1) placed(log, [`k${n % 3}`, n]);
    await deliver();
    await builds.rebuild('key-sums');
    await ready(2);
    placed(log, ['new', 5]);
    await deliver();
    expect(await builds.diff('key-sums')).toEqual({
      projection: 'key-sums', active: { build: 1, version: 1, parked: 0 }, candidate: { build: 2, version: 2, parked: 0 }, at: [{ tenant: 'shop', log: 'sales/0', position: 10 }], equal: false,
      tables: [{
        table: 'key_sum', rows: { active: 4, candidate: 4 }, onlyActive: 0, onlyCandidate: 0, changed: 4, columns: { onlyActive: [], onlyCandidate: [] },
        first: [['k0', '36', '18', '3'], ['k1', '24', '12', '3'], ['k2', '30', '15', '3'], ['new', '10', '5', '1']].map(([key, a, b, events]) => ({ active: { key, n: a, events }, candidate: { key, n: b, events } })),
      }],
    });
    expect(await seen()).toEqual({ k0: 36, k1: 24, k2: 30, new: 10 });
    expect(await builds.switch('key-sums')).toEqual({ projection: 'key-sums', from: { build: 1, version: 1 }, to: { build: 2, version: 2 }, at: [{ tenant: 'shop', log: 'sales/0', position: 10 }] });
    expect(await seen()).toEqual({ k0: 18, k1: 12, k2: 15, new: 5 });
    placed(log, ['new', 1]);
    await deliver();
    expect(await seen()).toMatchObject({ new: 6 });
    expect(rowsOf(await live.query(`select n::int from key_sum where key = 'new'`))).toEqual([{ n: 6 }]);
    await eventually('the fact is told', () => announced.length === 1);
    expect(announced).toMatchObject([{ from: { build: 1 }, to: { build: 2 } }]);
  });

  it('of the same version are equal, and switching back is the same step', async () => {
    await opened([sums(1)]);
    placed(log, ['a', 1], ['b', 2]);
    await deliver();
    await builds.rebuild('key-sums');
    await ready(2);
    expect(await builds.diff('key-sums')).toMatchObject({ equal: true, tables: [{ changed: 0, rows: { active: 2, candidate: 2 } }] });
    await builds.switch('key-sums');
    placed(log, ['a', 5]);
    await deliver();
    await ready(1);
    await builds.switch('key-sums', 1);
    expect(await seen()).toEqual({ a: 6, b: 2 });
    await builds.drop('key-sums', 2);
    expect((await builds.list()).map(({ build, state }) => [build, state])).toEqual([[1, 'active']]);
    expect(rowsOf(await live.query(`select nspname from pg_namespace where nspname like 'key_sums%'`))).toEqual([{ nspname: 'key_sums_v1_b1' }]);
  });

  it('are told of nowhere until they are active', async () => {
    await opened([sums(1)]);
    placed(log, ['a', 1], ['b', 2], ['c', 3]);
    await deliver();
    const before = [...told];
    await builds.rebuild('key-sums');
    await ready(2);
    expect([before, told, announced]).toEqual([[2, 3], [2, 3], []]);
    await builds.switch('key-sums');
    placed(log, ['a', 1]);
    await deliver();
    expect(told).toEqual([2, 3, 4]);
  });

  it('find a row that was changed behind the log\'s back', async () => {
    await opened([sums(1)]);
    placed(log, ['a', 1], ['b', 2], ['c', 3]);
    await deliver();
    await live.query(`update key_sums_v1_b1.key_sum set n = 99 where key = 'b'; delete from key_sums_v1_b1.key_sum where key = 'c'; insert into key_sums_v1_b1.key_sum values ('d', 0, 0)`);
    await builds.rebuild('key-sums');
    await ready(2);
    expect((await builds.diff('key-sums')).tables).toMatchObject([{ onlyActive: 1, onlyCandidate: 1, changed: 1, first: [{ active: { n: '99' }, candidate: { n: '2' } }, { active: null, candidate: { key: 'c' } }, { active: { key: 'd' }, candidate: null }] }]);
  });
});

describe('a switch', () => {
  it('is refused while the build is far behind, and says by how much', async () => {
    let slow: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => { slow = resolve; });
    const looked = Promise.withResolvers<void>();
    let switchAsked = false;
    // The switch pauses the replay in the turn in which it learns of the build: only then may the batch go on.
    const query = async (text: string, values?: unknown[]): Promise<unknown> => {
      const answer = await aside.query(text, values);
      if (switchAsked) setImmediate(() => looked.resolve());
      return answer;
    };
    const begun = Promise.withResolvers<void>();
    await opened([sums(1), sums(2, 1, { apply: () => { begun.resolve(); return gate; } })], { aside: { query, transaction: (work) => aside.transaction(work) } });
    await live.query('update projection_build set version = 1');
    for (let n = 0; n < 12; n += 1) placed(log, ['a', 1]);
    await deliver();
    await builds.rebuild('key-sums');
    await begun.promise;
    // The replay is in the middle of its first batch: the switch waits for that one to be committed, and for no other.
    switchAsked = true;
    const switching = builds.switch('key-sums');
    await looked.promise;
    slow();
    await expect(switching).rejects.toMatchObject({ kind: 'conflict', code: 'projection-behind', details: { events: 8 }, message: expect.stringContaining('shop sales/0: 8') });
  });

  it('is refused to a build whose checkpoint names another event than the log', async () => {
    await opened([sums(1)]);
    placed(log, ['a', 1], ['b', 2]);
    await deliver();
    await builds.rebuild('key-sums');
    await ready(2);
    await live.query(`update consumer_checkpoint set leaf = $1 where consumer = 'key-sums@2'`, [Buffer.alloc(32, 7)]);
    await expect(builds.switch('key-sums')).rejects.toMatchObject({ kind: 'conflict', code: 'build-diverged' });
    expect((await builds.list()).map(({ state }) => state)).toEqual(['active', 'ready']);
  });

  it('shows readers all from before or all from after, while batches and reads go on', async () => {
    await opened([sums(1, 2), sums(2, 1000)]);
    await live.query('update projection_build set version = 1');
    placed(log, ['a', 1], ['b', 1], ['c', 1]);
    await deliver();
    await builds.rebuild('key-sums');
    await ready(2);
    let going = true;
    const reads = (async () => {
      const all: number[][] = [];
      while (going) all.push(Object.values(await seen()));
      return all;
    })();
    const writes = (async () => { for (let n = 0; going; n += 1) { placed(log, ['a', 1], ['b', 1], ['c', 1]); await deliver(log, 3); } })();
    await builds.switch('key-sums');
    await eventually('a read of the new build', async () => ((await seen())['a'] ?? 0) >= 1000);
    going = false;
    await writes;
    // Each batch adds one to every key: a reader that saw half of anything would see unequal numbers.
    for (const values of await reads) expect(new Set(values).size).toBe(1);
    expect(Object.values(await seen()).every((n) => n % 1000 === 0)).toBe(true);
  });
});

describe('what can not be', () => {
  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['a projection nobody knows', () => builds.rebuild('shoes'), 'projection-unknown', /key-sums/],
    ['a version nobody has', () => builds.rebuild('key-sums', 7), 'projection-version-unknown', /It has 1/],
    ['a difference without another build', () => builds.diff('key-sums'), 'build-unknown', /rebuild/],
    ['a switch to the active build', () => builds.switch('key-sums', 1), 'build-active', /already/],
    ['dropping the active build', () => builds.drop('key-sums', 1), 'build-active', /Switch/],
    ['dropping a build that is none', () => builds.drop('key-sums', 9), 'build-unknown', /no build 9/],
  ])('%s is refused and says what can', async (_, work, code, message) => {
    await opened([sums(1)]);
    await expect(work()).rejects.toMatchObject({ name: 'DomainError', code, message: expect.stringMatching(message) });
  });

  it('is a batch for an active build of a version this code has not', async () => {
    await opened([sums(1)]);
    await live.query('update projection_build set version = 3');
    placed(log, ['a', 1]);
    await expect(deliver()).rejects.toMatchObject({ kind: 'unavailable', code: 'projection-version-missing' });
  });
});

it('comes and goes with the app\'s migration', async () => {
  await opened([sums(1)]);
  const client = new Pool({ connectionString: database.url });
  for (const text of [...BUILD_TABLES_DOWN, ...BUILD_TABLES_UP]) await client.query(text);
  expect(rowsOf(await client.query('select * from projection_build'))).toEqual([]);
  await client.end();
});
