/** Contexts the client's events belong to; a log of another one holds the platform's own facts. */
export const CLIENT_CONTEXTS: readonly string[] = ['sales', 'clickstream', 'customer'];
export const isClients = (log: string): boolean => CLIENT_CONTEXTS.includes(log.split('/')[0]!);

/** An event as the client meant it: which stream, in which order there, and something of its body to know it by. */
export interface SentEvent {
  readonly id: string;
  /** The client's own name of the stream: what must keep its order. */
  readonly stream: string;
  /** 1 for the first event of its stream. */
  readonly order: number;
  /** A value of the body; a conflict carries another one under the same id. */
  readonly proof: string;
}

/** `first` and `retry` are the same request; a `duplicate` repeats what was acknowledged or runs beside it; a `conflict` alters bodies. */
export type Purpose = 'first' | 'retry' | 'duplicate' | 'conflict';

export interface Answer {
  readonly id: string;
  readonly outcome: 'accepted' | 'duplicate' | 'rejected';
  readonly log?: string;
  readonly position?: number;
  /** Of the log, as the client knew it when the answer came. */
  readonly epoch?: number;
  readonly code?: string;
  /** Where an older copy of the event database was put back: whether this came between copy and restore, or after. Absent: before, or no copy. */
  readonly era?: 'copied' | 'restored';
}

/** One request: what was sent, and what came back if anything did. */
export interface Attempt {
  readonly attempt: number;
  readonly purpose: Purpose;
  readonly events: readonly SentEvent[];
  readonly answers?: readonly Answer[];
}

/** An event as the log holds it, read through the API. */
export interface LogEvent {
  readonly id: string;
  readonly type: string;
  readonly via: string;
  readonly stream: string;
  readonly streamVersion: number;
  readonly position: number;
  readonly epoch: number;
  readonly leaf: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A message of the log's JetStream stream; `recomputed` is the leaf of its exact bytes, computed by the checker's own code. */
export interface BusMessage {
  readonly sequence: number;
  readonly id: string;
  readonly leaf: string;
  readonly recomputed: string;
}

export interface Accounting {
  readonly received: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly unanswered: number;
}

/** Figures by name, as plain decimals or text: those of a read model, and the same from a fold of the log. */
export type Figures = Readonly<Record<string, string>>;

/** A raw event as the lake's files hold it. */
export interface LakeRow {
  readonly position: number;
  readonly id: string;
  readonly leaf: string;
}

/** What `millrace ledger verify` says of one log: how many events it read, and how many stand under a cosigned checkpoint. */
export interface LedgerVerdict {
  readonly log: string;
  readonly events: number;
  readonly cosigned: number;
  readonly findings: number;
}

/** One run of `millrace ledger verify` over a tenant. */
export interface LedgerReport {
  readonly complete: boolean;
  readonly findings: readonly string[];
  readonly logs: readonly LedgerVerdict[];
}

/** Everything that is known of one cycle: what the client wrote down and what the platform shows. Plain JSON. */
export interface History {
  readonly tenant: string;
  readonly source: string;
  readonly attempts: readonly Attempt[];
  readonly logs: Readonly<Record<string, readonly LogEvent[]>>;
  readonly bus: Readonly<Record<string, readonly BusMessage[]>>;
  readonly accounting: Accounting;
  readonly metrics: Figures;
  readonly warehouse: Figures;
  readonly lake: Readonly<Record<string, readonly LakeRow[]>>;
  /** Absent when nobody verified, which the checker takes for a violation. */
  readonly ledger?: LedgerReport;
  /** Per log: the position up to which a restored log kept its past. What was acknowledged beyond it before the restore was named as lost by `recover`. */
  readonly restored?: Readonly<Record<string, { readonly epoch: number; readonly previousEpoch: number; readonly kept: number }>>;
}

export interface Violation {
  readonly rule: string;
  readonly what: string;
}
