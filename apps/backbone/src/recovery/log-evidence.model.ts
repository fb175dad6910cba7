import type { Epoch, LogEpoch, LogKey, Position } from '@millrace/kernel';

/** The newest stream of a log and how far its messages are the log's events. */
export interface StreamEvidence {
  readonly epoch: Epoch;
  /** Sequences it keeps; `first` is `last + 1` when it keeps none. */
  readonly first: Position;
  readonly last: Position;
  /** Last kept position at which message and event are the same; `first - 1` when they differ at all of them. */
  readonly agreesThrough: Position;
}

/** Where a service says it stands in the log. */
export interface ConsumerEvidence {
  readonly name: string;
  readonly epoch: Epoch;
  readonly position: Position;
  /** What the service itself says: running, diverged … */
  readonly state: string;
  /** The log holds the event of its mark at the mark's position. */
  readonly agrees: boolean;
  /** Its history is the stream's: the stream has its event at its position, so the stream's agreement is its own. */
  readonly onStream: boolean;
}

/** What is known of one log from all sides, at one moment. */
export interface LogEvidence {
  readonly log: LogKey;
  /** Absent: the event database has no such log. */
  readonly epoch?: Epoch;
  readonly head: Position;
  readonly stream?: StreamEvidence;
  readonly consumers: readonly ConsumerEvidence[];
  /** Services that were asked and did not answer. */
  readonly silent: readonly string[];
  readonly recoveries: readonly LogEpoch[];
}
