import type { LogKey, LogMark, StoredEvent } from '@millrace/kernel';

/**
 * One event with its data parsed, as a projection sees it: in the newest version of its type, whatever version `stored` has. One of a version
 * that this build doesn't know never gets here; it is parked as `version-unknown`.
 */
export interface ProjectedEvent {
  readonly stored: StoredEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where a consumer stands in each log, kept in the consumer's own database. */
export interface CheckpointStore<Tx> {
  load(log: LogKey): Promise<LogMark | undefined>;
  /** Called inside the transaction that holds the effect. */
  save(tx: Tx, log: LogKey, mark: LogMark): Promise<void>;
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
}
