import type { LogKey, LogMark, Position, StoredEvent } from '@millrace/kernel';

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
  /**
   * How many events of the log have been taken (applied, passed over or parked), counted in the transactions that moved the mark, with the
   * position counting began after and the mark they belong to, read at one moment.
   */
  taken?(log: LogKey): Promise<Taken | undefined>;
  /** Logs it has a checkpoint of: one that has vanished from the event database is reported, not forgotten. */
  logs?(): Promise<readonly LogKey[]>;
  /**
   * After a recovery, when the log still holds the event of the mark: takes the mark's place over into the new epoch, effects untouched.
   * Left out by handlers whose effects name the epoch; they are reset.
   */
  adopt?(log: LogKey, mark: LogMark): Promise<void>;
  /**
   * After a recovery, when the log does not: removes every effect of the log, its parked events and its checkpoint in one transaction, so
   * that it is applied again from position 1. Left out: the consumer stays `diverged` until it is rebuilt by hand.
   */
  reset?(log: LogKey): Promise<void>;
}

/** A consumer's count of a log's events, for accounting. */
export interface Taken {
  readonly events: number;
  readonly from: Position;
  /** The mark's position that the count belongs to. */
  readonly position: Position;
}

/** How a consumer followed a recovery. */
export type Resumption = 'adopted' | 'reset';

export type ConsumerState = 'running' | 'catching-up' | 'diverged' | 'stopped';

/** What `GET /v1/consumers` shows of one (service, log). */
export interface ConsumerStatus {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly position: number;
  /** Hex of the leaf at the position; absent before the first event. With epoch and position it can be compared with a log or stream. */
  readonly leaf?: string;
  readonly state: ConsumerState;
  readonly reason?: string;
  readonly parked: number;
  /** Events it has taken, counted with each batch's effect, and the position it counts from: together they must come to the position. */
  readonly taken?: number;
  readonly takenFrom?: number;
}
