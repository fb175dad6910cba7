import type { Epoch, LogEpoch, Position } from '@millrace/kernel';

/** Positions `from` to `to`, both included. */
export interface PositionRange {
  readonly from: Position;
  readonly to: Position;
  readonly events: number;
}

/** What mending a log does to one of its readers. */
export interface ConsumerExplanation {
  readonly name: string;
  readonly epoch: Epoch;
  readonly position: Position;
  readonly state: string;
  /** `goes-on`: nothing to undo. `starts-over`: its effects of this log are removed and the log is applied again from position 1. */
  readonly action: 'goes-on' | 'starts-over';
  /** Its events that the log holds: exactly through here, or at most through here when nothing keeps the rest for comparison. */
  readonly agreesThrough: Position;
  readonly exact: boolean;
  /** Applied by it, and not in the log: undone. */
  readonly loses?: PositionRange;
  /** Applied by it, and in the log: applied again. */
  readonly repeats?: PositionRange;
  /** In the log, and not applied by it yet, or applied as other events. */
  readonly appliesAnew?: PositionRange;
}

/** One log as backbone's `GET /v1/recovery` explains it. `recovering`: the epoch is renewed, and relay or consumers are still following it. */
export interface LogExplanation {
  readonly tenant: string;
  readonly log: string;
  readonly state: 'agrees' | 'diverged' | 'recovering';
  /** 0: the event database has no such log. */
  readonly epoch: Epoch;
  readonly head: Position;
  readonly reasons: readonly string[];
  /** The last position that the log shares with everybody, at most. */
  readonly agreesThrough: Position;
  /** The furthest position anybody has seen of it. */
  readonly previousHead: Position;
  /** The greatest epoch anybody holds. */
  readonly greatestEpoch: Epoch;
  readonly stream?: { readonly epoch: Epoch; readonly first: Position; readonly last: Position; readonly agreesThrough: Position };
  readonly consumers: readonly ConsumerExplanation[];
  readonly silent: readonly string[];
  /** The recovery that made the present epoch. */
  readonly recovery?: LogEpoch;
}
