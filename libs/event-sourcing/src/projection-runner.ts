import { upcast } from '@millrace/contracts';
import { DomainError, isDomainError, isRedacted, logName, type LogKey, type StoredEvent } from '@millrace/kernel';
import type { BatchHandler, EventBatch } from '@millrace/event-bus';
import type { CheckpointStore, ParkedEvent, ParkedStore, ProjectedEvent, Projection, ProjectionTarget, TransactionScope } from './projection.ts';
import type { Sql } from './sql.ts';

interface RunnerOptions<Tx extends Sql> {
  readonly scope: TransactionScope<Tx>;
  /** Runs after a commit, e.g. to push to a screen. Missed when the process dies in between: never for effects that must happen. */
  readonly committed?: (batch: EventBatch) => void;
}

export interface ProjectionRunnerOptions<Tx extends Sql> extends RunnerOptions<Tx> {
  readonly checkpoints: CheckpointStore<Tx>;
  readonly parked: ParkedStore<Tx>;
  readonly projections: readonly Projection<Tx>[];
  /**
   * Takes away every effect of a log, after a recovery that left the log without events this consumer has applied: checkpoint and parked
   * events go in the same transaction, and the log is applied again from position 1. Left out: such a consumer stays diverged.
   */
  readonly reset?: (tx: Tx, log: LogKey) => Promise<void>;
}

export interface TargetRunnerOptions<Tx extends Sql> extends RunnerOptions<Tx> {
  /** What batches go to, asked first in every transaction: the answer holds until it ends. */
  readonly targets: (tx: Tx, log: LogKey) => Promise<readonly ProjectionTarget<Tx>[]>;
}

/** SQLSTATE classes of outages and lost races: connection, transaction rollback, resources, operator intervention, system error. */
const TRANSIENT_SQLSTATE = /^(08|40|53|57|58)/;
const TRANSIENT_NODE = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']);
const LOST_CONNECTION = /connection terminated|connection ended|timeout exceeded when trying to connect|client has encountered a connection error|driver not connected|not queryable/i;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

/** Whether trying the same batch again may work: the outage of a database is never an event's fault. */
export const isTransient = (error: unknown): boolean => {
  if (isDomainError(error)) return error.kind === 'unavailable';
  const code = codeOf(error);
  return TRANSIENT_SQLSTATE.test(code) || TRANSIENT_NODE.has(code) || (error instanceof Error && LOST_CONNECTION.test(error.message));
};

const BEHIND = { code: 'behind-parked', reason: 'an earlier event of the same key is parked' } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

const parse = (stored: StoredEvent): ProjectedEvent => {
  let data: ProjectedEvent['data'];
  try {
    data = JSON.parse(utf8.decode(stored.data));
  } catch {
    throw new DomainError('invalid', 'event-data-malformed', { position: stored.position }, 'The event\'s data is not JSON.');
  }
  return { stored, data: upcast(stored.envelope.type, stored.envelope.version, data).data };
};

export type Fault = Pick<ParkedEvent, 'code' | 'reason'>;

/** What a parked event's row may say: a code, and a DomainError's own words; a driver's message may quote the data. */
const faultOf = (error: unknown): Fault =>
  isDomainError(error)
    ? { code: error.code, reason: error.message.slice(0, 500) }
    : { code: codeOf(error) || (error instanceof Error ? error.name : 'failed'), reason: 'applying the event failed; the code says how' };

/** Ends the attempt to apply a batch as a whole: its transaction is rolled back and the careful pass begins. */
class OneByOne extends Error {}

type Due<Tx> = { readonly target: ProjectionTarget<Tx>; readonly events: readonly StoredEvent[] };

const keyIn = <Tx>({ projections }: ProjectionTarget<Tx>, event: StoredEvent): string => projections.find((projection) => projection.keyOf && projection.types.includes(event.envelope.type))?.keyOf?.(event) ?? event.envelope.stream;

const outOfOrder = (expected: string, batch: EventBatch, details: Readonly<Record<string, number>>): DomainError =>
  new DomainError('conflict', 'batch-out-of-order', { log: logName(batch.log), ...details }, `Expected ${expected}, and another batch came. Load the checkpoint again and continue there.`);

class TargetRunner<Tx extends Sql> {
  constructor(private readonly options: TargetRunnerOptions<Tx>) {}

  async apply(batch: EventBatch): Promise<void> {
    if (!(await this.applyAtOnce(batch))) await this.applyEach(batch);
    this.options.committed?.(batch);
  }

  /** False: some event of the batch is, or should be, parked; nothing has been committed. */
  private async applyAtOnce(batch: EventBatch): Promise<boolean> {
    try {
      await this.options.scope.transaction(async (tx) => {
        for (const target of await this.options.targets(tx, batch.log)) {
          const due = await this.enter(tx, target, batch);
          if (!due) continue;
          if ((await this.waiting(tx, batch.log, due)).size > 0) throw new OneByOne();
          await this.applyRun(tx, due, due.events.map(parse));
          await target.checkpoints.save(tx, batch.log, batch.mark);
        }
      });
      return true;
    } catch (error) {
      if (isTransient(error)) throw error;
      return false;
    }
  }

  private applyEach(batch: EventBatch): Promise<void> {
    return this.options.scope.transaction(async (tx) => {
      for (const target of await this.options.targets(tx, batch.log)) {
        const due = await this.enter(tx, target, batch);
        if (!due) continue;
        const waiting = new Set(await this.waiting(tx, batch.log, due));
        for (const stored of due.events) await this.applyOne(tx, due, stored, waiting);
        await target.checkpoints.save(tx, batch.log, batch.mark);
      }
    });
  }

  /** The events after the target's own checkpoint; undefined when it has had the whole batch. A batch that would leave a gap is refused. */
  private async enter(tx: Tx, target: ProjectionTarget<Tx>, batch: EventBatch): Promise<Due<Tx> | undefined> {
    await target.enter?.(tx);
    const held = await target.checkpoints.lock(tx, batch.log);
    const after = held?.position ?? 0;
    const first = batch.events[0]?.position ?? batch.mark.position + 1;
    if (held && held.epoch !== batch.mark.epoch) throw outOfOrder(`events of epoch ${held.epoch}`, batch, { epoch: batch.mark.epoch });
    if (first > after + 1) throw outOfOrder(`the event at position ${after + 1}`, batch, { first });
    if (batch.mark.position <= after) return undefined;
    const types = new Set(target.projections.flatMap((projection) => projection.types));
    const events = batch.events.filter((event) => event.position > after && types.has(event.envelope.type) && !isRedacted(event) && (target.takes?.(keyIn(target, event)) ?? true));
    const discarded = events.length === 0 ? new Map<number, string>() : await target.parked.discarded(tx, batch.log, first, batch.mark.position);
    return { target, events: discarded.size === 0 ? events : events.filter(({ position, envelope }) => discarded.get(position) !== envelope.id) };
  }

  private async applyOne(tx: Tx, due: Due<Tx>, stored: StoredEvent, waiting: Set<string>): Promise<void> {
    const key = keyIn(due.target, stored);
    if (waiting.has(key)) return due.target.parked.park(tx, stored.log, parkedAs(stored, key, BEHIND));
    const fault = await applyGuarded(tx, due.target, stored);
    if (!fault) return;
    waiting.add(key);
    await due.target.parked.park(tx, stored.log, parkedAs(stored, key, fault));
  }

  private async applyRun(tx: Tx, { target }: Due<Tx>, events: readonly ProjectedEvent[]): Promise<void> {
    for (const projection of target.projections) {
      const run = events.filter(({ stored }) => projection.types.includes(stored.envelope.type));
      if (run.length > 0) await projection.apply(tx, run);
    }
  }

  private async waiting(tx: Tx, log: LogKey, { target, events }: Due<Tx>): Promise<ReadonlySet<string>> {
    return events.length === 0 ? new Set() : target.parked.keys(tx, log, [...new Set(events.map((event) => keyIn(target, event)))]);
  }
}

const parkedAs = (stored: StoredEvent, key: string, fault: Fault): ParkedEvent => ({ position: stored.position, key, eventId: stored.envelope.id, type: stored.envelope.type, ...fault });

/** Applies one event behind a savepoint; answers why it can't be, with nothing of it left. Transient errors pass to the caller. */
export const applyGuarded = async <Tx extends Sql>(tx: Tx, { projections }: ProjectionTarget<Tx>, stored: StoredEvent): Promise<Fault | undefined> => {
  await tx.query('savepoint one_event');
  try {
    for (const projection of projections) if (projection.types.includes(stored.envelope.type)) await projection.apply(tx, [parse(stored)]);
    await tx.query('release savepoint one_event');
    return undefined;
  } catch (error) {
    if (isTransient(error)) throw error;
    await tx.query('rollback to savepoint one_event');
    return faultOf(error);
  }
};

/**
 * Applies a batch to all its targets in one transaction with their checkpoints. The whole batch is tried at once; when an event fails, it is
 * tried again event by event behind savepoints, the failing one is parked with its reason and later events of its key after it. Outcome and
 * parked events don't depend on how a log is cut into batches. A target passes over what its own checkpoint, locked in the transaction, says
 * it has had, and refuses a gap (`batch-out-of-order`): a batch takes effect once, however often and by however many processes it is
 * delivered. A redacted event is passed over: nothing is left of it to apply, and parked it would hold up its key for ever. Transient errors
 * roll back and pass to the caller, who retries.
 */
export const applyToTargets = <Tx extends Sql>(options: TargetRunnerOptions<Tx>, batch: EventBatch): Promise<void> => new TargetRunner(options).apply(batch);

/** A target that is no lane: its checkpoint is the consumer's own. */
export interface ConsumerTarget<Tx> extends ProjectionTarget<Tx> {
  readonly checkpoints: CheckpointStore<Tx>;
}

/** In the caller's transaction: every effect of the log goes, with its parked events and its checkpoint. */
export const forgetLog = async <Tx extends Sql>(tx: Tx, { enter, parked, checkpoints }: ConsumerTarget<Tx>, log: LogKey, reset: (tx: Tx, log: LogKey) => Promise<void>): Promise<void> => {
  await enter?.(tx);
  await reset(tx, log);
  await parked.forget(tx, log);
  await checkpoints.forget(tx, log);
};

/** A consumer with one checkpoint for all its projections, by `applyToTargets`. */
export const projectionRunner = <Tx extends Sql>({ checkpoints, parked, projections, reset, ...rest }: ProjectionRunnerOptions<Tx>): BatchHandler => {
  const target: ConsumerTarget<Tx> = { projections, checkpoints, parked };
  return {
    load: (log) => checkpoints.load(log),
    parked: (log) => parked.count(log),
    logs: () => checkpoints.logs(),
    // Effects don't name the epoch: the checkpoint alone moves over.
    adopt: (log, mark) => rest.scope.transaction((tx) => checkpoints.save(tx, log, mark)),
    ...(reset ? { reset: (log: LogKey) => rest.scope.transaction((tx) => forgetLog(tx, target, log, reset)) } : {}),
    apply: (batch) => applyToTargets({ ...rest, targets: async () => [target] }, batch),
  };
};
