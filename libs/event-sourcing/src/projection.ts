import type { LogKey, LogMark, StoredEvent } from '@millrace/kernel';

/** One event with its data parsed, as a projection sees it. */
export interface ProjectedEvent {
  readonly stored: StoredEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where a consumer stands in each log, kept in the consumer's own database. */
export interface CheckpointStore<Tx> {
  load(log: LogKey): Promise<LogMark | undefined>;
  /** Called inside the transaction that holds the effect. */
  save(tx: Tx, log: LogKey, mark: LogMark): Promise<void>;
}

/** Runs `work` in one transaction of the consumer's database. */
export interface TransactionScope<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}
