import type { Envelope, Json } from '@millrace/kernel';

/** `ready`: caught up and followed, may be switched to. `retired`: was active once, and this code has no rule for its version any more. */
export type BuildState = 'building' | 'ready' | 'active' | 'retired';

/** One build of a projection: its own tables, its own checkpoints. */
export interface BuildStanding {
  readonly projection: string;
  readonly version: number;
  readonly build: number;
  readonly state: BuildState;
  /** Sum of positions over all logs: of the build, and of the active build it is measured against (of the logs, for the active one). */
  readonly position: number;
  readonly target: number;
  readonly parked: number;
  /** While it replays. */
  readonly eventsPerSecond?: number;
  readonly etaSeconds?: number;
  /** Why it does not go on: a divergence from the log, or an error that is tried again. */
  readonly trouble?: string;
}

export interface LogPosition {
  readonly tenant: string;
  readonly log: string;
  readonly position: number;
}

/** Rows as text by column, so that no number loses a digit on its way. */
export type RowText = Readonly<Record<string, string | null>>;

export interface TableDifference {
  readonly table: string;
  readonly rows: { readonly active: number; readonly candidate: number };
  readonly onlyActive: number;
  readonly onlyCandidate: number;
  readonly changed: number;
  /** Columns that only one of the two has; the others are compared. */
  readonly columns: { readonly onlyActive: readonly string[]; readonly onlyCandidate: readonly string[] };
  /** The first differing rows in the order of the key. */
  readonly first: readonly { readonly active: RowText | null; readonly candidate: RowText | null }[];
}

/** Two builds side by side after exactly the same events. */
export interface DifferenceReport {
  readonly projection: string;
  readonly active: { readonly build: number; readonly version: number; readonly parked: number };
  readonly candidate: { readonly build: number; readonly version: number; readonly parked: number };
  /** The vector at which both stand. */
  readonly at: readonly LogPosition[];
  readonly equal: boolean;
  readonly tables: readonly TableDifference[];
}

export interface Switched {
  readonly projection: string;
  readonly from: { readonly build: number; readonly version: number };
  readonly to: { readonly build: number; readonly version: number };
  readonly at: readonly LogPosition[];
}

/**
 * What an operator does with a service's read models. `not-found` for what does not exist; `conflict` for what can't be done now: a switch while the
 * build is behind (`projection-behind`, with the events missing per log) or diverged, a drop of the active build.
 */
export interface ProjectionOperations {
  list(): Promise<BuildStanding[]>;
  /** Begins a build of the newest version the code has (or `version`); its progress is in `list`. Refused while one is being built. */
  rebuild(projection: string, version?: number): Promise<BuildStanding>;
  /** Of the newest build that is not active, or `build`. Waits for no rebuild: refused while it is behind. */
  diff(projection: string, build?: number): Promise<DifferenceReport>;
  switch(projection: string, build?: number): Promise<Switched>;
  drop(projection: string, build: number): Promise<void>;
}

export interface ParkedStanding {
  /** `<consumer>:<tenant>:<context>:<shard>:<position>` */
  readonly id: string;
  readonly consumer: string;
  readonly tenant: string;
  readonly log: string;
  readonly position: number;
  readonly key: string;
  readonly eventId: string;
  readonly type: string;
  readonly code: string;
  readonly reason: string;
  readonly parkedAt: string;
}

export interface ParkedDetail extends ParkedStanding {
  /** Events of the key that wait behind it. */
  readonly behind: number;
  readonly envelope?: Envelope;
  /** The event's data with every sealed value shown as sealed; absent when it is not JSON. */
  readonly data?: Json;
}

export interface ParkedPage {
  readonly parked: readonly ParkedStanding[];
  /** Give it as `after` for the next page; null after the last. */
  readonly next: string | null;
}

export interface ParkedOutcome {
  /** Positions that are no longer parked, in order. */
  readonly applied: readonly number[];
  /** The event at which it stopped, still parked, and why now. */
  readonly stopped?: { readonly position: number; readonly code: string; readonly reason: string };
}

export interface ParkedQuestion {
  readonly consumer?: string;
  readonly after?: string;
  readonly limit: number;
}

/** What an operator does with events that could not be applied. */
export interface ParkedOperations {
  list(question: ParkedQuestion): Promise<ParkedPage>;
  show(id: string): Promise<ParkedDetail>;
  /** Applies the key's parked events in order from its first, in one transaction with their removal; stops at the first that fails again. */
  retry(id: string): Promise<ParkedOutcome>;
  /** Records the discard as a fact, then takes the event out for good and retries those behind it. Only the first of a key can be discarded. */
  discard(id: string, reason: string): Promise<ParkedOutcome>;
}
