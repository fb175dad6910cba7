import { BackOff, sameLeaf, type BatchHandler, type EventBatch } from '@millrace/event-bus';
import { DomainError, logName, type LogKey, type LogMark, type LogReader } from '@millrace/kernel';
import { awaitReaders, enterSchema, holdActiveBuilds, holdSwitch, listBuilds, makeBuild, marksOfBuild, positionsOf, quoted, requireBuild, showActive, type Build } from './build-catalog.ts';
import { compareBuilds, isEqual } from './build-difference.ts';
import { BuildReplay } from './build-replay.ts';
import { buildConsumer, sqlCheckpoints, sqlParked } from './consumer-tables.ts';
import type { BuildStanding, DifferenceReport, ProjectionOperations, Switched } from './projection-operations.ts';
import { applyToTargets, forgetLog, type ConsumerTarget } from './projection-runner.ts';
import type { ProjectionTarget, TransactionScope, VersionedProjection } from './projection.ts';
import { rowsOf, type Sql } from './sql.ts';

export interface ProjectionBuildsOptions<Tx extends Sql> {
  /** Connections of the active builds' batches. */
  readonly live: TransactionScope<Tx> & Sql;
  /** Connections for everything an operator starts: three, and one per lane of a replay. Apart, so that neither can wait for the other's. */
  readonly aside: TransactionScope<Tx> & Sql;
  readonly reader: LogReader;
  /** One per name and version. An active build of a version that is not here stands still: ship the old version beside the new until it is switched. */
  readonly projections: readonly VersionedProjection<Tx>[];
  /** After a commit to active builds, e.g. to push to a screen. Never for a build that is replayed or followed. Missed when the process dies in between. */
  readonly committed?: (batch: EventBatch) => void;
  /** Records a switch as a fact; tried until it succeeds, also after a restart, so it must be idempotent per (projection, to.build). */
  readonly announce?: (switched: Switched) => Promise<void>;
  readonly onError?: (error: unknown) => void;
  readonly batchEvents?: number;
}

/** Rows of each table that a difference report shows. */
const FIRST_ROWS = 10;
const FIRST_BACK_OFF_MS = 500;
const MOST_BACK_OFF_MS = 30_000;

const sumOf = (positions: readonly { readonly position: number }[]): number => positions.reduce((sum, { position }) => sum + position, 0);

/**
 * The read models of a service in one Postgres database, each in builds beside each other. Reads go through `readActiveBuilds`; batches of the bus
 * through `handler`; `start` makes what is missing and resumes what was interrupted. Several processes may do this at once: what must not
 * overlap is held by locks of the database.
 */
export class ProjectionBuilds<Tx extends Sql> implements ProjectionOperations {
  private readonly replays = new Map<number, BuildReplay<Tx>>();
  private readonly stopping = new AbortController();
  private announcing: Promise<void> = Promise.resolve();

  constructor(private readonly options: ProjectionBuildsOptions<Tx>) {}

  async start(): Promise<void> {
    await this.options.aside.transaction(async (tx) => {
      await holdSwitch(tx);
      const active = (await listBuilds(tx)).filter(({ state }) => state === 'active').map(({ projection }) => projection);
      for (const name of new Set(this.options.projections.map((projection) => projection.name))) {
        if (!active.includes(name)) await showActive(tx, undefined, await makeBuild(tx, this.newest(name), 'active'));
      }
    });
    await this.resume();
    this.announcing = this.announcePending();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.replays.values()].map((replay) => replay.stop()));
    await this.announcing;
  }

  /** For the service's ordered loops: all active builds fed by the log, in one transaction. */
  handler(): BatchHandler {
    const targets = (tx: Tx, log: LogKey): Promise<ProjectionTarget<Tx>[]> => this.activeTargets(tx, log);
    return {
      load: (log) => this.loadActive(log),
      parked: (log) => this.parkedInActive(log),
      logs: () => this.logsOfActive(),
      adopt: (log, mark) => this.adopt(log, mark),
      ...(this.options.projections.every(({ reset }) => reset) ? { reset: (log: LogKey) => this.reset(log) } : {}),
      apply: (batch) => applyToTargets({ scope: this.options.live, targets, ...(this.options.committed ? { committed: this.options.committed } : {}) }, batch),
    };
  }

  async list(): Promise<BuildStanding[]> {
    const builds = await listBuilds(this.options.aside);
    const heads = await this.options.reader.heads().catch(() => []);
    return Promise.all(builds.map((build) => this.standing(build, builds, sumOf(heads.filter(({ context }) => this.contextsOf(build.projection).includes(context))))));
  }

  async rebuild(projection: string, version?: number): Promise<BuildStanding> {
    const rule = version === undefined ? this.newest(projection) : this.rule(projection, version);
    if (!rule) throw new DomainError('not-found', 'projection-version-unknown', { projection, version: version ?? 0 }, `This service has no version ${version} of ${projection}. It has ${this.versionsOf(projection).join(', ')}.`);
    const build = await this.options.aside.transaction(async (tx) => {
      await holdSwitch(tx);
      const running = (await listBuilds(tx)).find((one) => one.projection === projection && one.state === 'building');
      if (running) throw new DomainError('conflict', 'rebuild-running', { projection, build: running.build }, `Build ${running.build} of ${projection} is being built already. Wait until it is ready, or drop it.`);
      return makeBuild(tx, rule, 'building');
    });
    this.follow(build, rule);
    return this.standing(build, await listBuilds(this.options.aside), 0);
  }

  async diff(projection: string, build?: number): Promise<DifferenceReport> {
    const { candidate, replay } = await this.candidate(projection, build);
    return this.paused(replay, async () => {
      let comparing: Promise<DifferenceReport> | undefined;
      await this.options.aside.transaction(async (tx) => {
        await holdSwitch(tx);
        const active = await this.activeOf(tx, projection);
        const at = await marksOfBuild(tx, active);
        await this.options.aside.transaction((catching) => replay.catchUpWithin(catching, at));
        // Both stand at one vector now and nothing moves: a snapshot taken here may be read for as long as it takes, while batches go on.
        const opened = Promise.withResolvers<void>();
        comparing = this.options.aside.transaction(async (snapshot) => {
          await snapshot.query('set transaction isolation level repeatable read, read only');
          await snapshot.query('select 1');
          opened.resolve();
          const tables = await compareBuilds(snapshot, active, candidate, FIRST_ROWS);
          const side = async (one: Build) => ({ build: one.build, version: one.version, parked: await parkedIn(snapshot, one) });
          return { projection, active: await side(active), candidate: await side(candidate), at: positionsOf(at), equal: isEqual(tables), tables };
        });
        await Promise.race([opened.promise, comparing]);
      });
      if (!comparing) throw new DomainError('unavailable', 'diff-failed', { projection }, 'The comparison did not begin. Ask again.');
      return comparing;
    });
  }

  async switch(projection: string, build?: number): Promise<Switched> {
    const { candidate, replay } = await this.candidate(projection, build);
    const switched = await this.paused(replay, () => this.options.aside.transaction(async (tx) => {
      await holdSwitch(tx);
      const active = await this.activeOf(tx, projection);
      const at = await marksOfBuild(tx, active);
      await replay.catchUpWithin(tx, at);
      // The build left behind is followed on, so that switching back is the same step; without a rule in this code it can only be dropped.
      await tx.query('update public.projection_build set state = $2 where id = $1', [active.id, this.rule(projection, active.version) ? 'ready' : 'retired']);
      const done: Switched = { projection, from: { build: active.build, version: active.version }, to: { build: candidate.build, version: candidate.version }, at: positionsOf(at) };
      await tx.query(`update public.projection_build set state = 'active', activated_at = now(), announced_at = null, switched = $2 where id = $1`, [candidate.id, JSON.stringify(done)]);
      await showActive(tx, active, candidate);
      return done;
    }));
    this.replays.delete(candidate.id);
    await replay.stop();
    await this.resume();
    this.announcing = this.announcing.then(() => this.announcePending());
    return switched;
  }

  async drop(projection: string, build: number): Promise<void> {
    const found = requireBuild(await listBuilds(this.options.aside), projection, build);
    const replay = this.replays.get(found.id);
    if (found.state !== 'active') await replay?.stop();
    await this.options.aside.transaction(async (tx) => {
      await holdSwitch(tx);
      const { state } = requireBuild(await listBuilds(tx), projection, build);
      if (state === 'active') throw new DomainError('conflict', 'build-active', { projection, build }, `Build ${build} of ${projection} is the active one. Switch to another first.`);
    });
    // Switching away is past: whoever reads this build began before, and is waited for without holding up any batch.
    await this.options.aside.transaction(async (tx) => {
      await awaitReaders(tx, found);
      await tx.query(`drop schema if exists ${quoted(found.schema)} cascade`);
      for (const table of ['consumer_checkpoint', 'replay_lane', 'parked_event']) await tx.query(`delete from public.${table} where consumer = $1`, [buildConsumer(projection, build)]);
      await tx.query(`delete from public.projection_build where id = $1 and state <> 'active'`, [found.id]);
    });
    this.replays.delete(found.id);
  }

  private async activeTargets(tx: Tx, log: LogKey): Promise<ProjectionTarget<Tx>[]> {
    const active = await holdActiveBuilds(tx);
    return this.feeding(active, log).map((build) => this.targetOf(build, this.ruleOf(build)));
  }

  /** One build as a target of batches: its tables, its checkpoint, its parked events. */
  targetOf(build: Build, rule: VersionedProjection<Tx>): ConsumerTarget<Tx> {
    const consumer = buildConsumer(build.projection, build.build);
    return { projections: [rule], checkpoints: sqlCheckpoints(this.options.live, consumer), parked: sqlParked(this.options.live, consumer), enter: (tx) => enterSchema(tx, build.schema) };
  }

  ruleOf(build: Build): VersionedProjection<Tx> {
    const rule = this.rule(build.projection, build.version);
    if (rule) return rule;
    throw new DomainError('unavailable', 'projection-version-missing', { projection: build.projection, version: build.version },
      `Version ${build.version} of ${build.projection} is active, and this service has only ${this.versionsOf(build.projection).join(', ')}. Rebuild and switch, or run the release that has it.`);
  }

  /** The least of the active builds' marks: each passes over what it has had. */
  private async loadActive(log: LogKey): Promise<LogMark | undefined> {
    const builds = this.feeding(await listBuilds(this.options.live), log).filter(({ state }) => state === 'active');
    const marks = await Promise.all(builds.map((build) => sqlCheckpoints(this.options.live, buildConsumer(build.projection, build.build)).load(log)));
    return marks.toSorted((a, b) => (a?.position ?? 0) - (b?.position ?? 0))[0];
  }

  private async logsOfActive(): Promise<LogKey[]> {
    const active = (await listBuilds(this.options.live)).filter(({ state }) => state === 'active');
    const logs = (await Promise.all(active.map((build) => marksOfBuild(this.options.live, build)))).flat().map(({ log }) => log);
    return [...new Map(logs.map((log) => [`${log.tenant} ${logName(log)}`, log])).values()];
  }

  /** Into the log's new epoch: a build whose event the log still has keeps its effects, another begins the log again. */
  private adopt(log: LogKey, mark: LogMark): Promise<void> {
    return this.options.live.transaction(async (tx) => {
      for (const build of this.feeding(await holdActiveBuilds(tx), log)) {
        const target = this.targetOf(build, this.ruleOf(build));
        const held = await target.checkpoints.lock(tx, log);
        if (!held) continue;
        const there = await this.options.reader.mark(log, held.position);
        if (there?.epoch === mark.epoch && sameLeaf(there.leaf, held.leaf)) await target.checkpoints.save(tx, log, there);
        else await this.forget(tx, build, log);
      }
    });
  }

  private reset(log: LogKey): Promise<void> {
    return this.options.live.transaction(async (tx) => {
      for (const build of this.feeding(await holdActiveBuilds(tx), log)) await this.forget(tx, build, log);
    });
  }

  private forget(tx: Tx, build: Build, log: LogKey): Promise<void> {
    const rule = this.ruleOf(build);
    if (!rule.reset) throw new DomainError('conflict', 'projection-diverged', { projection: rule.name }, `Build ${build.build} of ${rule.name} holds events the log has not any more, and ${rule.name} can't take one log back. Rebuild it.`);
    return forgetLog(tx, this.targetOf(build, rule), log, (inner, which) => rule.reset?.(inner, which) ?? Promise.resolve());
  }

  private async parkedInActive(log: LogKey): Promise<number> {
    const builds = this.feeding(await listBuilds(this.options.live), log).filter(({ state }) => state === 'active');
    return (await Promise.all(builds.map((build) => sqlParked(this.options.live, buildConsumer(build.projection, build.build)).count(log)))).reduce((sum, n) => sum + n, 0);
  }

  private async candidate(projection: string, build: number | undefined): Promise<{ candidate: Build; replay: BuildReplay<Tx> }> {
    const candidate = requireBuild(await listBuilds(this.options.aside), projection, build);
    if (candidate.state === 'active') throw new DomainError('conflict', 'build-active', { projection, build: candidate.build }, `Build ${candidate.build} of ${projection} is the active one already.`);
    return { candidate, replay: this.replays.get(candidate.id) ?? this.follow(candidate, this.ruleOf(candidate)) };
  }

  private async activeOf(tx: Sql, projection: string): Promise<Build> {
    const active = (await listBuilds(tx)).find((build) => build.projection === projection && build.state === 'active');
    if (active) return active;
    throw new DomainError('not-found', 'projection-unknown', { projection }, `There is no active build of ${projection}.`);
  }

  private async paused<T>(replay: BuildReplay<Tx>, work: () => Promise<T>): Promise<T> {
    await replay.stop();
    try {
      return await work();
    } finally {
      if (!this.stopping.signal.aborted) replay.start();
    }
  }

  private async resume(): Promise<void> {
    for (const build of await listBuilds(this.options.aside)) {
      const rule = this.rule(build.projection, build.version);
      if ((build.state === 'building' || build.state === 'ready') && rule && !this.replays.has(build.id)) this.follow(build, rule);
    }
  }

  private follow(build: Build, rule: VersionedProjection<Tx>): BuildReplay<Tx> {
    const { aside, reader, onError, batchEvents } = this.options;
    const replay = new BuildReplay(build, rule, {
      scope: aside, sql: aside, reader, ...(onError ? { onError } : {}), ...(batchEvents === undefined ? {} : { batchEvents }),
      target: async () => marksOfBuild(aside, await this.activeOf(aside, build.projection)),
      caughtUp: async () => { await aside.query(`update public.projection_build set state = 'ready', ready_at = now() where id = $1 and state = 'building'`, [build.id]); },
    });
    this.replays.set(build.id, replay);
    replay.start();
    return replay;
  }

  private async standing(build: Build, builds: readonly Build[], heads: number): Promise<BuildStanding> {
    const { id, projection, version, build: number, state } = build;
    const sql = this.options.aside;
    const active = builds.find((one) => one.projection === projection && one.state === 'active');
    const progress = this.replays.get(id)?.progress();
    // While lanes are apart the checkpoint stands where they parted; after a restart the replay has not looked at every log yet.
    const own = Math.max(progress?.position ?? 0, sumOf(positionsOf(await marksOfBuild(sql, build))));
    const target = state === 'active' || !active ? Math.max(heads, own) : sumOf(positionsOf(await marksOfBuild(sql, active)));
    const eta = progress && state === 'building' && progress.eventsPerSecond > 0 ? { eventsPerSecond: progress.eventsPerSecond, etaSeconds: Math.ceil(Math.max(0, target - own) / progress.eventsPerSecond) } : {};
    return { projection, version, build: number, state, position: own, target, parked: await parkedIn(sql, build), ...eta, ...(progress?.trouble === undefined ? {} : { trouble: progress.trouble }) };
  }

  private async announcePending(): Promise<void> {
    const { announce, aside, onError } = this.options;
    const backOff = new BackOff(FIRST_BACK_OFF_MS, MOST_BACK_OFF_MS);
    while (announce && !this.stopping.signal.aborted) {
      try {
        for (const row of rowsOf(await aside.query(`select id, switched from public.projection_build where switched is not null and announced_at is null order by activated_at`))) {
          await announce(row['switched'] as Switched);
          await aside.query('update public.projection_build set announced_at = now() where id = $1', [row['id']]);
        }
        return;
      } catch (error) {
        onError?.(error);
        await backOff.wait(this.stopping.signal);
      }
    }
  }

  private feeding(builds: readonly Build[], { context }: LogKey): Build[] {
    return builds.filter(({ projection }) => this.contextsOf(projection).includes(context));
  }

  private contextsOf(projection: string): readonly string[] {
    return this.options.projections.filter(({ name }) => name === projection).flatMap(({ contexts }) => contexts);
  }

  private versionsOf(projection: string): number[] {
    return this.options.projections.filter(({ name }) => name === projection).map(({ version }) => version);
  }

  private rule(projection: string, version: number): VersionedProjection<Tx> | undefined {
    return this.options.projections.find((one) => one.name === projection && one.version === version);
  }

  private newest(projection: string): VersionedProjection<Tx> {
    const newest = this.options.projections.filter(({ name }) => name === projection).toSorted((a, b) => b.version - a.version)[0];
    if (newest) return newest;
    throw new DomainError('not-found', 'projection-unknown', { projection }, `This service has no projection ${projection}. It has ${[...new Set(this.options.projections.map(({ name }) => name))].join(', ')}.`);
  }
}

const parkedIn = async (sql: Sql, { projection, build }: Build): Promise<number> =>
  Number(rowsOf(await sql.query('select count(*) as n from public.parked_event where consumer = $1', [buildConsumer(projection, build)]))[0]?.['n'] ?? 0);
