import { BackOff, divergenceOf, pause, sameLeaf } from '@millrace/event-bus';
import { DomainError, isDomainError, logName, type LogKey, type LogMark, type LogReader, type StoredEvent } from '@millrace/kernel';
import { enterSchema, marksOfBuild, type Build } from './build-catalog.ts';
import { buildConsumer, sqlCheckpoints, sqlParked } from './consumer-tables.ts';
import { applyToTargets } from './projection-runner.ts';
import type { BatchCheckpoints, CheckpointStore, ProjectionTarget, TransactionScope, VersionedProjection } from './projection.ts';
import { joinLanes, laneCheckpoints, laneMarks, laneOf, splitLanes } from './replay-lanes.ts';
import type { Sql } from './sql.ts';

/** A commit costs the same for few events as for many: ten times a live batch, and still some tens of megabytes. */
const BATCH_EVENTS = 5_000;
const BATCH_BYTES = 16 * 1024 * 1024;
/** Between looks at how far the active build is. */
const FOLLOW_MS = 200;
const FIRST_BACK_OFF_MS = 200;
const MOST_BACK_OFF_MS = 10_000;
/** Rate over about this many batches. */
const RATE_SHARE = 0.2;

export interface ReplayOptions<Tx extends Sql> {
  /** Connections of their own, at least one per lane: a replay must not take those of the active build. */
  readonly scope: TransactionScope<Tx>;
  readonly sql: Sql;
  readonly reader: LogReader;
  /** Where the active build stands; the replay never goes past it. */
  readonly target: () => Promise<{ log: LogKey; mark: LogMark }[]>;
  /** Told once when everything is applied and one checkpoint per log holds it. */
  readonly caughtUp: () => Promise<void>;
  readonly onError?: (error: unknown) => void;
  readonly batchEvents?: number;
}

export interface ReplayProgress {
  readonly position: number;
  readonly target: number;
  readonly eventsPerSecond: number;
  readonly trouble?: string;
}

type Place = { readonly log: LogKey; readonly mark: LogMark };

const conflict = (code: string, message: string): DomainError => new DomainError('conflict', code, {}, message);

/**
 * Applies the logs to a build that is not active, from its checkpoint up to where the active one stands, and then follows it. Reads the event
 * store, never the bus. Nothing but the build's tables hears of it: there is no hook for effects outside. Interrupted anywhere, it goes on
 * from what is committed, each event once.
 */
export class BuildReplay<Tx extends Sql> {
  private readonly consumer: string;
  private readonly checkpoints: CheckpointStore<Tx>;
  private readonly positions = new Map<string, number>();
  private targetSum = 0;
  private eventsPerSecond = 0;
  private trouble: string | undefined;
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly build: Build, private readonly projection: VersionedProjection<Tx>, private readonly options: ReplayOptions<Tx>) {
    this.consumer = buildConsumer(build.projection, build.build);
    this.checkpoints = sqlCheckpoints(options.sql, this.consumer);
  }

  progress(): ReplayProgress {
    const position = [...this.positions.values()].reduce((sum, one) => sum + one, 0);
    return { position, target: this.targetSum, eventsPerSecond: Math.round(this.eventsPerSecond), ...(this.trouble === undefined ? {} : { trouble: this.trouble }) };
  }

  start(): void {
    this.stopping = new AbortController();
    this.running = this.run();
  }

  /** Finishes the batch in hand. It may be started again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const backOff = new BackOff(FIRST_BACK_OFF_MS, MOST_BACK_OFF_MS);
    while (!this.stopping.signal.aborted) {
      try {
        if (await this.round()) await this.options.caughtUp();
        this.trouble = undefined;
        backOff.reset();
        await pause(FOLLOW_MS, this.stopping.signal);
      } catch (error) {
        this.trouble = isDomainError(error) ? error.message : `${error instanceof Error ? error.name : 'failed'}: will be tried again`;
        this.options.onError?.(error);
        await backOff.wait(this.stopping.signal);
      }
    }
  }

  /** One pass over all logs; true when it ended with nothing left to do. */
  private async round(): Promise<boolean> {
    const target = await this.options.target();
    this.targetSum = target.reduce((sum, { mark }) => sum + mark.position, 0);
    for (const place of target) {
      await this.advance(place);
      if (this.stopping.signal.aborted) return false;
    }
    return true;
  }

  /** Brings one log to the mark, however far it is. Throws `conflict` when checkpoint and log, or log and mark, are of different histories. */
  private async advance({ log, mark }: Place): Promise<void> {
    const lanes = await laneMarks(this.options.sql, this.consumer, log);
    const from = lanes.length > 0 ? slowest(lanes) : await this.checkpoints.load(log);
    const name = `${log.tenant} ${logName(log)}`;
    this.positions.set(name, from?.position ?? 0);
    if (lanes.length === 0 && (from?.position ?? 0) >= mark.position) return;
    const divergence = await divergenceOf(this.options.reader, log, from, await this.options.reader.head(log));
    if (divergence !== undefined) throw conflict('build-diverged', `The build does not go on: ${divergence}. Drop it and begin another.`);
    const parallel = lanes.length > 0 || ((this.projection.replayLanes ?? 1) > 1 && mark.position - (from?.position ?? 0) > this.batchEvents);
    if (parallel) await splitLanes(this.options.scope, this.checkpoints, this.consumer, log, this.projection.replayLanes ?? 1);
    const targets = parallel ? this.laneTargets(lanes.length || (this.projection.replayLanes ?? 1)) : [this.target(this.checkpoints)];
    await this.replay(log, from, mark, targets, (position) => this.positions.set(name, position));
    if (parallel && !this.stopping.signal.aborted) await joinLanes(this.options.scope, this.checkpoints, this.consumer, log);
  }

  private async replay(log: LogKey, from: LogMark | undefined, to: LogMark, targets: readonly ProjectionTarget<Tx>[], moved: (position: number) => void): Promise<void> {
    const read = (after: number): Promise<StoredEvent[]> => (after < to.position ? this.options.reader.read(log, after, Math.min(this.batchEvents, to.position - after), BATCH_BYTES) : Promise.resolve([]));
    let next = read(from?.position ?? 0);
    for (;;) {
      const begun = performance.now();
      const events = await next;
      const last = events.at(-1);
      if (!last || this.stopping.signal.aborted) return;
      // The next batch is read while this one is applied.
      next = read(last.position);
      next.catch(() => undefined);
      if (last.position === to.position && (last.epoch !== to.epoch || !sameLeaf(last.leaf, to.leaf))) {
        throw conflict('active-diverged', `The active build stands on another event than the log ${logName(log)} has at position ${to.position}.`);
      }
      const batch = { log, events, mark: { epoch: last.epoch, position: last.position, leaf: last.leaf } };
      await Promise.all(targets.map((target) => applyToTargets({ scope: this.options.scope, targets: async () => [target] }, batch)));
      moved(last.position);
      const rate = (events.length * 1000) / Math.max(1, performance.now() - begun);
      this.eventsPerSecond = this.eventsPerSecond === 0 ? rate : this.eventsPerSecond * (1 - RATE_SHARE) + rate * RATE_SHARE;
    }
  }

  /**
   * Within a transaction that holds the switch: the last events up to the active build's marks. Refused with `projection-behind` when they are more than one
   * batch; while lanes are apart the checkpoint is further behind than that.
   */
  async catchUpWithin(tx: Tx, target: readonly Place[]): Promise<void> {
    const own = new Map((await marksOfBuild(tx, this.build)).map(({ log, mark }) => [`${log.tenant} ${logName(log)}`, mark]));
    const missing = target.map(({ log, mark }) => ({ log, mark, from: own.get(`${log.tenant} ${logName(log)}`), events: mark.position - (own.get(`${log.tenant} ${logName(log)}`)?.position ?? 0) }));
    const behind = missing.filter(({ events }) => events > this.batchEvents);
    if (behind.length > 0) throw behindError(this.build, missing);
    const scope: TransactionScope<Tx> = { transaction: (work) => withinSavepoint(tx, work) };
    for (const { log, from, mark, events } of missing) {
      const divergence = await divergenceOf(this.options.reader, log, from, await this.options.reader.head(log));
      if (divergence !== undefined) throw conflict('build-diverged', `The build can't be compared or switched to: ${divergence}. Drop it and begin another.`);
      if (events < 0) throw conflict('build-ahead', `The build is ${-events} events past the active one in ${log.tenant} ${logName(log)}.`);
      if (events === 0 && from && !sameLeaf(from.leaf, mark.leaf)) throw conflict('build-diverged', `Both builds stand at position ${mark.position} of ${log.tenant} ${logName(log)}, but on different events.`);
      const read = events === 0 ? [] : await this.options.reader.read(log, from?.position ?? 0, events, Number.MAX_SAFE_INTEGER);
      const last = read.at(-1);
      if (events > 0 && (last?.position !== mark.position || !sameLeaf(last.leaf, mark.leaf))) throw conflict('active-diverged', `The event store does not lead to position ${mark.position} of ${log.tenant} ${logName(log)}, where the active build stands.`);
      if (last) await applyToTargets({ scope, targets: async () => [this.target(this.checkpoints)] }, { log, events: read, mark });
    }
  }

  private get batchEvents(): number {
    return this.options.batchEvents ?? BATCH_EVENTS;
  }

  private target(checkpoints: BatchCheckpoints<Tx>, takes?: (key: string) => boolean): ProjectionTarget<Tx> {
    return { projections: [this.projection], checkpoints, parked: sqlParked(this.options.sql, this.consumer), enter: (tx) => enterSchema(tx, this.build.schema), ...(takes ? { takes } : {}) };
  }

  private laneTargets(lanes: number): ProjectionTarget<Tx>[] {
    return Array.from({ length: lanes }, (_, lane) => this.target(laneCheckpoints(this.consumer, lane), (key) => laneOf(key, lanes) === lane));
  }
}

const slowest = (lanes: readonly (LogMark | undefined)[]): LogMark | undefined =>
  lanes.reduce((least, mark) => (least === undefined || mark === undefined ? undefined : mark.position < least.position ? mark : least), lanes[0]);

const withinSavepoint = async <Tx extends Sql, T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> => {
  await tx.query('savepoint catch_up');
  try {
    const result = await work(tx);
    await tx.query('release savepoint catch_up');
    return result;
  } catch (error) {
    await tx.query('rollback to savepoint catch_up');
    throw error;
  }
};

const behindError = ({ projection, build }: Build, missing: readonly { log: LogKey; events: number }[]): DomainError => {
  const logs = missing.filter(({ events }) => events > 0);
  const events = logs.reduce((total, one) => total + one.events, 0);
  return new DomainError('conflict', 'projection-behind', { projection, build, events, logs: logs.map((one) => `${one.log.tenant} ${logName(one.log)}: ${one.events}`).join(', ') },
    `Build ${build} of ${projection} is still being built, ${events} events behind the active one (${logs.map((one) => `${one.log.tenant} ${logName(one.log)}: ${one.events}`).join(', ')}). Wait until the list says ready.`);
};
