import { upcast } from '@millrace/contracts';
import { DomainError, isDomainError, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';
import type { BatchHandler, EventBatch } from '@millrace/event-bus';
import type { CheckpointStore, ParkedStore, ProjectedEvent, Projection, TransactionScope } from './projection.ts';
import type { Sql } from './sql.ts';

export interface ProjectionRunnerOptions<Tx extends Sql> {
  readonly scope: TransactionScope<Tx>;
  readonly checkpoints: CheckpointStore<Tx>;
  readonly parked: ParkedStore<Tx>;
  readonly projections: readonly Projection<Tx>[];
  /** What later events wait for when one is parked; the event's stream unless told. */
  readonly keyOf?: (event: StoredEvent) => string;
  /**
   * Takes away every effect of a log, after a recovery that left the log without events this consumer has applied: checkpoint and parked
   * events go in the same transaction, and the log is applied again from position 1. Left out: such a consumer stays diverged.
   */
  readonly reset?: (tx: Tx, log: LogKey) => Promise<void>;
  /** Runs after a commit, e.g. to push to a screen. Missed when the process dies in between: never for effects that must happen. */
  readonly committed?: (batch: EventBatch) => void;
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

/** What a parked event's row may say: a code, and a DomainError's own words; a driver's message may quote the data. */
const faultOf = (error: unknown): { code: string; reason: string } =>
  isDomainError(error)
    ? { code: error.code, reason: error.message.slice(0, 500) }
    : { code: codeOf(error) || (error instanceof Error ? error.name : 'failed'), reason: 'applying the event failed; the code says how' };

class ProjectionRunner<Tx extends Sql> implements BatchHandler {
  private readonly types: ReadonlySet<string>;
  readonly reset?: (log: LogKey) => Promise<void>;

  constructor(private readonly options: ProjectionRunnerOptions<Tx>) {
    this.types = new Set(options.projections.flatMap((projection) => projection.types));
    const { reset, scope, checkpoints, parked } = options;
    if (!reset) return;
    this.reset = (log) => scope.transaction(async (tx) => {
      await reset(tx, log);
      await parked.forget(tx, log);
      await checkpoints.forget(tx, log);
    });
  }

  load(log: LogKey): Promise<LogMark | undefined> {
    return this.options.checkpoints.load(log);
  }

  parked(log: LogKey): Promise<number> {
    return this.options.parked.count(log);
  }

  logs(): Promise<readonly LogKey[]> {
    return this.options.checkpoints.logs();
  }

  /** Effects don't name the epoch: the checkpoint alone moves over. */
  adopt(log: LogKey, mark: LogMark): Promise<void> {
    return this.options.scope.transaction((tx) => this.options.checkpoints.save(tx, log, mark));
  }

  async apply(batch: EventBatch): Promise<void> {
    const events = batch.events.filter((event) => this.types.has(event.envelope.type));
    if (!(await this.applyAtOnce(batch, events))) await this.applyEach(batch, events);
    this.options.committed?.(batch);
  }

  /** False: some event of the batch is, or should be, parked; nothing has been committed. */
  private async applyAtOnce({ log, mark }: EventBatch, events: readonly StoredEvent[]): Promise<boolean> {
    try {
      return await this.options.scope.transaction(async (tx) => {
        if ((await this.waiting(tx, log, events)).size > 0) return false;
        await this.applyRun(tx, events.map(parse));
        await this.options.checkpoints.save(tx, log, mark);
        return true;
      });
    } catch (error) {
      if (isTransient(error)) throw error;
      return false;
    }
  }

  private applyEach({ log, mark }: EventBatch, events: readonly StoredEvent[]): Promise<void> {
    return this.options.scope.transaction(async (tx) => {
      const waiting = new Set(await this.waiting(tx, log, events));
      for (const stored of events) await this.applyOne(tx, log, stored, waiting);
      await this.options.checkpoints.save(tx, log, mark);
    });
  }

  private async applyOne(tx: Tx, log: LogKey, stored: StoredEvent, waiting: Set<string>): Promise<void> {
    if (waiting.has(this.keyOf(stored))) return this.park(tx, log, stored, BEHIND);
    await tx.query('savepoint one_event');
    try {
      await this.applyRun(tx, [parse(stored)]);
      await tx.query('release savepoint one_event');
    } catch (error) {
      if (isTransient(error)) throw error;
      await tx.query('rollback to savepoint one_event');
      waiting.add(this.keyOf(stored));
      await this.park(tx, log, stored, faultOf(error));
    }
  }

  private async applyRun(tx: Tx, events: readonly ProjectedEvent[]): Promise<void> {
    for (const projection of this.options.projections) {
      const run = events.filter(({ stored }) => projection.types.includes(stored.envelope.type));
      if (run.length > 0) await projection.apply(tx, run);
    }
  }

  private async waiting(tx: Tx, log: LogKey, events: readonly StoredEvent[]): Promise<ReadonlySet<string>> {
    return events.length === 0 ? new Set() : this.options.parked.keys(tx, log, [...new Set(events.map((event) => this.keyOf(event)))]);
  }

  private park(tx: Tx, log: LogKey, stored: StoredEvent, fault: { code: string; reason: string }): Promise<void> {
    return this.options.parked.park(tx, log, { position: stored.position, key: this.keyOf(stored), eventId: stored.envelope.id, type: stored.envelope.type, ...fault });
  }

  private keyOf(event: StoredEvent): string {
    return this.options.keyOf?.(event) ?? event.envelope.stream;
  }
}

/**
 * Applies batches to all projections of a consumer in one transaction with its checkpoint. The whole batch is tried at once; when an event
 * fails, it is tried again event by event behind savepoints, the failing one is parked with its reason and later events of its key after it.
 * Outcome and parked events don't depend on how a log is cut into batches. Transient errors roll back and pass to the caller, who retries.
 */
export const projectionRunner = <Tx extends Sql>(options: ProjectionRunnerOptions<Tx>): BatchHandler => new ProjectionRunner(options);
