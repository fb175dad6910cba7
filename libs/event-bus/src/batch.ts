import type { LogKey, LogMark, StoredEvent } from '@millrace/kernel';

/** Consecutive events of one log. `mark` is the place after them, to be committed with their effect. */
export interface EventBatch {
  readonly log: LogKey;
  readonly events: readonly StoredEvent[];
  readonly mark: LogMark;
}

/**
 * The consumer's own side: where it stands and how it moves. `apply` commits effect and mark in one transaction of the consumer's database, so
 * that a batch is applied once however often it comes; it parks what can't be applied and throws only what a retry may cure (the batch comes
 * again, with back-off) . One call at a time per log; logs run side by side.
 */
export interface BatchHandler {
  /** The mark of the last committed batch; undefined before the first. */
  load(log: LogKey): Promise<LogMark | undefined>;
  apply(batch: EventBatch): Promise<void>;
  /** How many events of the log are parked. */
  parked?(log: LogKey): Promise<number>;
}

export type ConsumerState = 'running' | 'catching-up' | 'diverged' | 'stopped';

/** What `GET /v1/consumers` shows of one (service, log). */
export interface ConsumerStatus {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly position: number;
  readonly state: ConsumerState;
  readonly reason?: string;
  readonly parked: number;
}
