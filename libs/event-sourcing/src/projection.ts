import type { LogKey, LogMark, Position, StoredEvent } from '@millrace/kernel';

/**
 * One event with its data parsed, as a projection sees it: in the newest version of its type, whatever version `stored` has. One of a version
 * that this build doesn't know never gets here; it is parked as `version-unknown`.
 */
export interface ProjectedEvent {
  readonly stored: StoredEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where whoever applies batches stands, as a transaction sees and moves it. */
export interface BatchCheckpoints<Tx> {
  /** The mark as this transaction sees it, held against other writers until it ends; undefined before the first. */
  lock(tx: Tx, log: LogKey): Promise<LogMark | undefined>;
  /** Called inside the transaction that holds the effect. */
  save(tx: Tx, log: LogKey, mark: LogMark): Promise<void>;
}

/** Where a consumer stands in each log, kept in the consumer's own database. */
export interface CheckpointStore<Tx> extends BatchCheckpoints<Tx> {
  load(log: LogKey): Promise<LogMark | undefined>;
  /** All logs with a checkpoint. */
  logs(): Promise<readonly LogKey[]>;
  /** Takes the checkpoint away, as if the log had never been read. */
  forget(tx: Tx, log: LogKey): Promise<void>;
}

/** Runs `work` in one transaction of the consumer's database. */
export interface TransactionScope<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/** Events that could not be applied, and those of the same key behind them; kept beside the checkpoint. */
export interface ParkedStore<Tx> {
  /** Which of these keys have a parked event in the log. */
  keys(tx: Tx, log: LogKey, keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Idempotent by (log, position). */
  park(tx: Tx, log: LogKey, event: ParkedEvent): Promise<void>;
  count(log: LogKey): Promise<number>;
  /** Takes all of the log's away. */
  forget(tx: Tx, log: LogKey): Promise<void>;
  /** Events from `first` to `last` that an operator discarded, position -> event id: they have no effect, in this build and in every later one. */
  discarded(tx: Tx, log: LogKey, first: Position, last: Position): Promise<ReadonlyMap<Position, string>>;
}

export interface ParkedEvent {
  readonly position: number;
  readonly key: string;
  readonly eventId: string;
  readonly type: string;
  /** Stable name of what went wrong, or `behind-parked`. */
  readonly code: string;
  /** For humans; never quotes data. */
  readonly reason: string;
}

/**
 * A read model's rule: which events it takes and what they do. `apply` gets a run of them in log order, inside the transaction that also moves
 * the checkpoint; how a run is cut into calls must not change the outcome. It throws DomainError `unavailable` for what a retry may cure;
 * anything else is the event's own fault and parks it.
 */
export interface Projection<Tx> {
  readonly name: string;
  readonly version: number;
  readonly types: readonly string[];
  apply(tx: Tx, events: readonly ProjectedEvent[]): Promise<void>;
  /** What later events wait for when one is parked, and what lanes of a replay are dealt by; the event's stream unless told. */
  keyOf?(event: StoredEvent): string;
}

/** A projection that owns its tables and can be built again beside itself. `name` is kebab-case: it names schemas and checkpoints. */
export interface VersionedProjection<Tx> extends Projection<Tx> {
  /** Contexts whose logs feed it. */
  readonly contexts: readonly string[];
  /** Statements that make its tables, each with a primary key, unqualified: they run in the schema of a build, and so does `apply`. */
  readonly tables: readonly string[];
  /**
   * Takes away every effect of a log, after a recovery that left the log without events the active build has applied; it is applied again
   * from position 1. Left out: the active build stays diverged, and a rebuild is the way out.
   */
  reset?(tx: Tx, log: LogKey): Promise<void>;
  /**
   * Lanes of a replay: transactions side by side, events dealt by key. More than 1 only if events of different keys commute: what they
   * write in common must add up in any order. While the build is followed and when it is active there is one transaction per batch.
   */
  readonly replayLanes?: number;
}

/** What a batch is applied to: projections that share a checkpoint and park together. */
export interface ProjectionTarget<Tx> {
  readonly projections: readonly Projection<Tx>[];
  readonly checkpoints: BatchCheckpoints<Tx>;
  readonly parked: ParkedStore<Tx>;
  /** Done first in every transaction, e.g. to choose the tables of a build. */
  readonly enter?: (tx: Tx) => Promise<unknown>;
  /** A lane's part of the batch; all of it unless told. */
  readonly takes?: (key: string) => boolean;
}
