import type { DuckDBConnection } from '@duckdb/node-api';
import { BackOff, divergenceOf, pause, sameLeaf } from '@millrace/event-bus';
import type { BuildState, BuildStanding, DifferenceReport, LogPosition, ProjectionOperations, Switched } from '@millrace/event-sourcing';
import { DomainError, logName, parseLogName, type LogKey, type LogMark, type LogReader } from '@millrace/kernel';
import { rowText } from '../duckdb/row-text.ts';
import { createTable } from '../duckdb/table-definition.ts';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { STAR_TABLES, STAR_VERSION } from '../star/star-tables.ts';
import { LOAD_POSITION, PARKED_EVENT } from './load-tables.ts';
import { LoadPositions, markOf } from './load-position.ts';
import { ParkedEvents } from './parked-events.ts';
import { compareStars } from './star-difference.ts';
import { applyToStar } from './star-load.ts';

export interface StarBuildsOptions {
  readonly database: WarehouseDatabase;
  readonly reader: LogReader;
  /** Records a switch as a fact; tried until it succeeds. */
  readonly announce?: (switched: Switched) => Promise<void>;
  readonly onError?: (error: unknown) => void;
}

export const STAR = 'star';
/** The writer is the load's too: a batch of a replay keeps it for some tenths of a second. */
const BATCH_EVENTS = 2_000;
const BATCH_BYTES = 8 * 1024 * 1024;
const FOLLOW_MS = 500;
const FIRST_BACK_OFF_MS = 500;
const MOST_BACK_OFF_MS = 10_000;
const FIRST_ROWS = 10;
const CONTEXTS: readonly string[] = STAR_TABLES.map(({ context }) => context);

interface Build { readonly build: number; readonly version: number; readonly schema: string; readonly state: BuildState }
type Place = { readonly log: LogKey; readonly mark: LogMark };

const sum = (places: readonly Place[]): number => places.reduce((total, { mark }) => total + mark.position, 0);
const nameOf = (log: LogKey): string => `${log.tenant} ${logName(log)}`;
const positionsOf = (places: readonly Place[]): LogPosition[] => places.map(({ log, mark }) => ({ tenant: log.tenant, log: logName(log), position: mark.position }));
const conflict = (code: string, details: Readonly<Record<string, string | number>>, message: string): DomainError => new DomainError('conflict', code, details, message);

/** The star in builds beside each other in the one DuckDB file; the published manifest names the build that is read. */
export class StarBuilds implements ProjectionOperations {
  private readonly positions: LoadPositions;
  private readonly parked: ParkedEvents;
  private stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private rate = 0;
  private trouble: string | undefined;

  constructor(private readonly options: StarBuildsOptions) {
    this.positions = new LoadPositions(options.database);
    this.parked = new ParkedEvents(options.database);
  }

  start(): void {
    this.stopping = new AbortController();
    this.following = this.follow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.following;
  }

  list(): Promise<BuildStanding[]> {
    return this.options.database.exclusively(async (connection) => {
      const builds = await this.builds(connection);
      const target = sum(await this.places(connection, this.activeOf(builds)));
      return Promise.all(builds.map((build) => this.standing(connection, build, target)));
    });
  }

  async rebuild(projection: string, version = STAR_VERSION): Promise<BuildStanding> {
    this.require(projection);
    if (version !== STAR_VERSION) throw new DomainError('not-found', 'projection-version-unknown', { projection, version }, `This service has no version ${version} of ${projection}. It has ${STAR_VERSION}.`);
    return this.options.database.transaction(async (tx) => {
      const builds = await this.builds(tx);
      const running = builds.find(({ state }) => state === 'building');
      if (running) throw conflict('rebuild-running', { projection, build: running.build }, `Build ${running.build} of ${projection} is being built already. Wait until it is ready, or drop it.`);
      const build = Math.max(...builds.map((one) => one.build)) + 1;
      const made: Build = { build, version, schema: `star_b${build}`, state: 'building' };
      await tx.run(`create schema ${made.schema}`);
      for (const table of [...STAR_TABLES, LOAD_POSITION, PARKED_EVENT]) await tx.run(createTable({ ...table, name: `${made.schema}.${table.name}` }));
      await tx.run(`insert into main.star_build values ($1, $2, $3, 'building', 0, true, null)`, [build, version, made.schema]);
      return this.standing(tx, made, sum(await this.places(tx, this.activeOf(builds))));
    });
  }

  async diff(projection: string, build?: number): Promise<DifferenceReport> {
    this.require(projection);
    const { database } = this.options;
    let comparing: Promise<DifferenceReport> | undefined;
    const candidate = await database.exclusively(async (connection) => this.candidate(await this.builds(connection), build));
    await database.switching(candidate.schema, async (tx) => { await this.catchUp(tx, candidate); });
    await database.exclusively(async (connection) => {
      const active = this.activeOf(await this.builds(connection));
      const at = await this.places(connection, active);
      const own = await this.places(connection, candidate);
      // A batch may have come between the two turns at the writer: then the builds don't stand at one vector, and the caller asks again.
      if (JSON.stringify(positionsOf(at)) !== JSON.stringify(positionsOf(own))) throw new DomainError('unavailable', 'diff-overtaken', {}, 'A batch was loaded in this very moment. Ask again.');
      const opened = Promise.withResolvers<void>();
      comparing = database.snapshot(async (tx) => {
        await tx.run('select 1 from main.star_build');
        opened.resolve();
        const tables = await compareStars(tx, active.schema, candidate.schema, FIRST_ROWS);
        const side = async (one: Build) => ({ build: one.build, version: one.version, parked: await parkedIn(tx, one) });
        return { projection, active: await side(active), candidate: await side(candidate), at: positionsOf(at), tables, equal: tables.every(({ onlyActive, onlyCandidate, changed }) => onlyActive + onlyCandidate + changed === 0) };
      });
      await Promise.race([opened.promise, comparing]);
    });
    if (!comparing) throw new DomainError('unavailable', 'diff-failed', { projection }, 'The comparison did not begin. Ask again.');
    return comparing;
  }

  async switch(projection: string, build?: number): Promise<Switched> {
    this.require(projection);
    const { database } = this.options;
    const candidate = await database.exclusively(async (connection) => this.candidate(await this.builds(connection), build));
    return database.switching(candidate.schema, async (tx) => {
      const { active, at } = await this.catchUp(tx, candidate);
      // The lake's positions of contexts that the star does not take move over as they are.
      const rest = `context not in (${CONTEXTS.map((context) => `'${context}'`).join(', ')})`;
      await tx.run(`delete from ${candidate.schema}.load_position where ${rest}`);
      await tx.run(`insert into ${candidate.schema}.load_position select * from ${active.schema}.load_position where ${rest}`);
      const switched: Switched = { projection, from: { build: active.build, version: active.version }, to: { build: candidate.build, version: candidate.version }, at: positionsOf(at) };
      await tx.run(`update main.star_build set state = 'ready' where build = $1`, [active.build]);
      await tx.run(`update main.star_build set state = 'active', revision = revision + 1, announced = false, switched = $2 where build = $1`, [candidate.build, JSON.stringify(switched)]);
      return switched;
    });
  }

  async drop(projection: string, build: number): Promise<void> {
    this.require(projection);
    await this.options.database.transaction(async (tx) => {
      const found = (await this.builds(tx)).find((one) => one.build === build);
      if (!found) throw new DomainError('not-found', 'build-unknown', { projection, build }, `Projection ${projection} has no build ${build}. The list of projections names those there are.`);
      if (found.state === 'active') throw conflict('build-active', { projection, build }, `Build ${build} of ${projection} is the active one. Switch to another first.`);
      await tx.run('delete from main.star_build where build = $1', [build]);
      if (found.schema !== 'main') await tx.run(`drop schema ${found.schema} cascade`);
      // The first build's tables share their schema with what all builds share: emptied, they are not made again at the next start.
      else for (const { name } of [...STAR_TABLES, LOAD_POSITION, PARKED_EVENT]) await tx.run(`delete from main.${name}`);
    });
  }

  /** The schema of a build by its number; undefined when there is none. */
  schemaOf(tx: DuckDBConnection, build: number): Promise<string | undefined> {
    return this.builds(tx).then((builds) => builds.find((one) => one.build === build)?.schema);
  }

  private async follow(): Promise<void> {
    const backOff = new BackOff(FIRST_BACK_OFF_MS, MOST_BACK_OFF_MS);
    while (!this.stopping.signal.aborted) {
      try {
        await this.announcePending();
        for (const build of await this.options.database.exclusively((connection) => this.builds(connection))) if (build.state !== 'active') await this.advance(build);
        this.trouble = undefined;
        backOff.reset();
        await pause(FOLLOW_MS, this.stopping.signal);
      } catch (error) {
        this.trouble = error instanceof DomainError ? error.message : 'failed: will be tried again';
        this.options.onError?.(error);
        await backOff.wait(this.stopping.signal);
      }
    }
  }

  /** Up to where the active build stands, batch by batch; `ready` once there. */
  private async advance(build: Build): Promise<void> {
    const { database, reader } = this.options;
    const targets = await database.exclusively(async (connection) => this.places(connection, this.activeOf(await this.builds(connection))));
    for (const { log, mark } of targets) {
      for (let done = false; !done && !this.stopping.signal.aborted;) {
        const begun = performance.now();
        const from = await database.exclusively((connection) => markIn(connection, build.schema, log));
        done = (from?.position ?? 0) >= mark.position;
        if (done) break;
        const divergence = await divergenceOf(reader, log, from, await reader.head(log));
        if (divergence !== undefined) throw conflict('build-diverged', { build: build.build }, `The build does not go on: ${divergence}. Drop it and begin another.`);
        const events = await reader.read(log, from?.position ?? 0, Math.min(BATCH_EVENTS, mark.position - (from?.position ?? 0)), BATCH_BYTES);
        const last = events.at(-1);
        if (!last) return;
        await database.transactionOn(build.schema, (tx) => this.applyBatch(tx, build, log, from, events));
        this.rate = this.rate * 0.8 + 0.2 * ((events.length * 1000) / Math.max(1, performance.now() - begun));
      }
    }
    if (build.state === 'building' && !this.stopping.signal.aborted) await database.transaction((tx) => tx.run(`update main.star_build set state = 'ready' where build = $1 and state = 'building'`, [build.build]));
  }

  private async applyBatch(tx: DuckDBConnection, build: Build, log: LogKey, from: LogMark | undefined, events: Awaited<ReturnType<LogReader['read']>>): Promise<void> {
    const last = events.at(-1);
    // A build that was dropped, switched to or brought up to the mark meanwhile has had the batch or wants it no more.
    const now = (await this.builds(tx)).find((one) => one.build === build.build);
    if (!last || !now || now.state === 'active' || (await this.positions.lock(tx, log))?.position !== from?.position) return;
    await applyToStar(tx, build.schema, this.parked, { log, events });
    await this.positions.save(tx, log, { epoch: last.epoch, position: last.position, leaf: last.leaf });
  }

  /** In a transaction on the candidate's schema: its last events up to the active build's marks. Refused while it is more than a batch behind. */
  private async catchUp(tx: DuckDBConnection, candidate: Build): Promise<{ active: Build; at: Place[] }> {
    const active = this.activeOf(await this.builds(tx));
    const at = await this.places(tx, active);
    const own = new Map((await this.places(tx, candidate)).map(({ log, mark }) => [nameOf(log), mark]));
    const missing = at.map(({ log, mark }) => ({ log, mark, from: own.get(nameOf(log)), events: mark.position - (own.get(nameOf(log))?.position ?? 0) }));
    const behind = missing.reduce((total, { events }) => total + events, 0);
    if (missing.some(({ events }) => events > BATCH_EVENTS)) {
      throw conflict('projection-behind', { projection: STAR, build: candidate.build, events: behind }, `Build ${candidate.build} of ${STAR} is still being built, ${behind} events behind the active one (${missing.filter(({ events }) => events > 0).map((one) => `${nameOf(one.log)}: ${one.events}`).join(', ')}). Wait until the list says ready.`);
    }
    for (const { log, mark, from, events } of missing) {
      const read = events > 0 ? await this.options.reader.read(log, from?.position ?? 0, events, Number.MAX_SAFE_INTEGER) : [];
      const [leaf, epoch] = events > 0 ? [read.at(-1)?.leaf, read.at(-1)?.epoch] : [from?.leaf, from?.epoch];
      if (epoch !== mark.epoch || !sameLeaf(leaf, mark.leaf)) throw conflict('build-diverged', { build: candidate.build }, `Build ${candidate.build} and the active one stand on different events of ${nameOf(log)}. Drop it and begin another.`);
      await applyToStar(tx, candidate.schema, this.parked, { log, events: read });
      await this.positions.save(tx, log, mark);
    }
    return { active, at };
  }

  private async announcePending(): Promise<void> {
    const { announce, database } = this.options;
    const rows = await database.exclusively(async (connection) => (await connection.runAndReadAll('select build, switched from main.star_build where not announced')).getRowObjects());
    for (const row of rows) {
      await announce?.(JSON.parse(rowText(row, 'switched')) as Switched);
      await database.transaction((tx) => tx.run('update main.star_build set announced = true where build = $1', [Number(row['build'])]));
    }
  }

  private async builds(connection: DuckDBConnection): Promise<Build[]> {
    const rows = (await connection.runAndReadAll('select build, version, schema_name, state from main.star_build order by build')).getRowObjects();
    return rows.map((row) => ({ build: Number(row['build']), version: Number(row['version']), schema: rowText(row, 'schema_name'), state: rowText(row, 'state') as BuildState }));
  }

  /** Where a build stands in the logs that feed the star. */
  private async places(connection: DuckDBConnection, { schema }: Build): Promise<Place[]> {
    const rows = (await connection.runAndReadAll(`select tenant, context, shard, epoch, position, leaf from ${schema}.load_position order by tenant, context, shard`)).getRowObjects();
    return rows.filter((row) => CONTEXTS.includes(rowText(row, 'context'))).map((row) => ({ log: parseLogName(rowText(row, 'tenant'), `${rowText(row, 'context')}/${Number(row['shard'])}`), mark: markOf(row) }));
  }

  private async standing(connection: DuckDBConnection, build: Build, target: number): Promise<BuildStanding> {
    const position = sum(await this.places(connection, build));
    const eta = build.state === 'building' && this.rate > 0 ? { eventsPerSecond: Math.round(this.rate), etaSeconds: Math.ceil((target - position) / this.rate) } : {};
    return { projection: STAR, version: build.version, build: build.build, state: build.state, position, target, parked: await parkedIn(connection, build), ...eta, ...(build.state === 'active' || this.trouble === undefined ? {} : { trouble: this.trouble }) };
  }

  private activeOf(builds: readonly Build[]): Build {
    const active = builds.find(({ state }) => state === 'active');
    if (active) return active;
    throw new DomainError('unavailable', 'warehouse-schema', {}, 'The warehouse file names no active build.');
  }

  private candidate(builds: readonly Build[], build: number | undefined): Build {
    const found = builds.filter((one) => (build === undefined ? one.state !== 'active' : one.build === build)).at(-1);
    if (!found) throw new DomainError('not-found', 'build-unknown', { projection: STAR }, build === undefined ? 'There is no build beside the active one. Begin one with a rebuild.' : `There is no build ${build}.`);
    if (found.state === 'active') throw conflict('build-active', { build: found.build }, `Build ${found.build} of ${STAR} is the active one already.`);
    return found;
  }

  private require(projection: string): void {
    if (projection !== STAR) throw new DomainError('not-found', 'projection-unknown', { projection }, `This service has no projection ${projection.slice(0, 40)}. It has ${STAR}.`);
  }
}

const markIn = async (connection: DuckDBConnection, schema: string, { tenant, context, shard }: LogKey): Promise<LogMark | undefined> => {
  const [row] = (await connection.runAndReadAll(`select epoch, position, leaf from ${schema}.load_position where tenant = $1 and context = $2 and shard = $3`, [tenant, context, shard])).getRowObjects();
  return row && markOf(row);
};

const parkedIn = async (connection: DuckDBConnection, { schema }: Build): Promise<number> =>
  Number((await connection.runAndReadAll(`select count(*) from ${schema}.parked_event`)).getRows()[0]?.[0] ?? 0);
