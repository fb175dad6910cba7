import type { LogKey, Position } from '@millrace/kernel';
import { fingerprintOf, leafOf } from './event-frame.ts';
import type { PreparedEvent, PreparedUnit } from './prepared-unit.ts';

/** Where a known event stands, with what tells a retry from another body. */
export interface Located {
  readonly log: LogKey;
  readonly position: Position;
  readonly streamVersion: number;
  readonly fingerprint: Uint8Array;
  readonly leaf: Uint8Array;
}

export interface StreamEnd {
  readonly version: number;
  readonly log: LogKey;
}

/** What was looked up before planning. An empty one takes every id for new and every expected version for right. */
export interface Knowledge {
  readonly events: ReadonlyMap<string, Located>;
  /** Undefined when streams were not looked up; a looked-up stream that is absent has no events. */
  readonly streams?: ReadonlyMap<string, StreamEnd>;
}

export const NOTHING_KNOWN: Knowledge = { events: new Map() };

/** A row to insert: its position is `base + place`, its stream version `versions[streamAt] + step`. */
export interface PlannedRow {
  readonly event: PreparedEvent;
  readonly place: number;
  readonly streamAt: number;
  readonly step: number;
}

export type PlannedOutcome =
  | { readonly kind: 'row'; readonly row: PlannedRow }
  | { readonly kind: 'same-as-row' | 'conflict-with-row'; readonly row: PlannedRow }
  | { readonly kind: 'duplicate' | 'conflict' | 'already'; readonly at: Located }
  | { readonly kind: 'wrong-version'; readonly actualVersion: number }
  | { readonly kind: 'pinned-elsewhere'; readonly log: LogKey }
  | { readonly kind: 'skipped' };

export interface AppendPlan {
  readonly rows: readonly PlannedRow[];
  readonly streams: readonly string[];
  /** Version each stream must have before the batch; -1: any. */
  readonly expected: readonly number[];
  /** False when an answer can't be given without looking up: don't send this plan. */
  readonly certain: boolean;
  /** Per unit, per event. */
  readonly outcomes: readonly (readonly PlannedOutcome[])[];
}

/** A stream as the plan goes on: `steps` events of it are planned; `before` is its version ahead of the batch where that is known or assumed. */
interface StreamState {
  readonly at: number;
  before: number | undefined;
  steps: number;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

class Planner {
  readonly rows: PlannedRow[] = [];
  readonly streams: string[] = [];
  certain = true;
  private readonly states = new Map<string, StreamState>();
  private readonly planned = new Map<string, PlannedRow>();

  constructor(private readonly log: LogKey, private readonly knowledge: Knowledge) {}

  get expected(): number[] {
    return this.streams.map((stream) => this.states.get(stream)?.before ?? -1);
  }

  unit(unit: PreparedUnit): PlannedOutcome[] {
    const known = unit.events.map((event) => this.known(event));
    // All or none: beside a known event the others are left out. A whole unit sent again is known event by event.
    if (known.some((outcome) => outcome !== undefined)) {
      if (known.includes(undefined)) this.leaveOut();
      return known.map((outcome) => outcome ?? { kind: 'skipped' });
    }
    const refusal = this.refusal(unit);
    if (refusal !== undefined) {
      this.leaveOut();
      return unit.events.map(() => refusal);
    }
    const state = this.state(unit.stream);
    return unit.events.map((event) => {
      const row = { event, place: this.rows.length + 1, streamAt: state.at, step: ++state.steps };
      this.rows.push(row);
      this.planned.set(event.id, row);
      return { kind: 'row', row };
    });
  }

  /** The server tells of known ids only when it is sent them: an event left out blindly may be a duplicate. */
  private leaveOut(): void {
    if (this.knowledge.streams === undefined) this.certain = false;
  }

  private known(event: PreparedEvent): PlannedOutcome | undefined {
    const row = this.planned.get(event.id);
    if (row !== undefined) return { kind: sameBytes(fingerprintOf(row.event.frame), fingerprintOf(event.frame)) ? 'same-as-row' : 'conflict-with-row', row };
    const at = this.knowledge.events.get(event.id);
    if (at === undefined) return undefined;
    // The salt is random: our own leaf in the log means an attempt whose answer was lost did commit.
    if (sameBytes(at.leaf, leafOf(event.frame))) return { kind: 'already', at };
    return { kind: sameBytes(at.fingerprint, fingerprintOf(event.frame)) ? 'duplicate' : 'conflict', at };
  }

  private refusal(unit: PreparedUnit): PlannedOutcome | undefined {
    const end = this.knowledge.streams?.get(unit.stream);
    if (end !== undefined && (end.log.context !== this.log.context || end.log.shard !== this.log.shard)) return { kind: 'pinned-elsewhere', log: end.log };
    if (unit.expectedVersion === 'any') return undefined;
    const state = this.states.get(unit.stream);
    const steps = state?.steps ?? 0;
    const before = state?.before ?? (this.knowledge.streams === undefined ? undefined : end?.version ?? 0);
    if (before !== undefined && before + steps !== unit.expectedVersion) return { kind: 'wrong-version', actualVersion: before + steps };
    if (unit.expectedVersion < steps) return { kind: 'wrong-version', actualVersion: steps };
    this.state(unit.stream).before = unit.expectedVersion - steps;
    return undefined;
  }

  private state(stream: string): StreamState {
    const found = this.states.get(stream);
    if (found !== undefined) return found;
    const made: StreamState = { at: this.streams.push(stream), before: undefined, steps: 0 };
    this.states.set(stream, made);
    return made;
  }
}

/**
 * Decides, unit by unit in order, what a batch would do given what is known: pure, total. The server checks what was assumed (ids new,
 * versions right) and refuses the batch as a whole; then it is planned again with more knowledge. What is known never becomes untrue.
 */
export const planAppend = (log: LogKey, units: readonly PreparedUnit[], knowledge: Knowledge): AppendPlan => {
  const planner = new Planner(log, knowledge);
  const outcomes = units.map((unit) => planner.unit(unit));
  return { rows: planner.rows, streams: planner.streams, expected: planner.expected, certain: planner.certain, outcomes };
};
