import type { Context, Envelope, Epoch, LogKey, LogReader, Position, StoredEvent, Tenant } from '@millrace/kernel';
import type { LogPage, PageRequest } from './read-log.ts';

/** An event ready to be stored; the appender adds `recordedtime`, salt and leaf. */
export interface EventToAppend {
  readonly envelope: Omit<Envelope, 'recordedtime'>;
  /** Exact bytes to store: UTF-8 JSON, personal fields sealed. */
  readonly data: Uint8Array;
}

/** Events that are appended all or none. `expectedVersion`: the stream's version before the first of them; 0 = a new stream. */
export interface AppendUnit {
  readonly stream: string;
  readonly expectedVersion: number | 'any';
  readonly events: readonly EventToAppend[];
}

/** Counters move by deltas; accepted, duplicate and conflict are counted by the append itself per `envelope.via`. */
export interface RejectToKeep {
  readonly tenant: Tenant;
  /** Name of the source key. */
  readonly via: string;
  readonly rejectId: string;
  readonly eventId?: string;
  readonly type?: string;
  readonly version?: number;
  /** JSON pointer and reason, no personal data. */
  readonly pointer: string;
  readonly code: string;
  readonly reason: string;
  readonly receivedAt: string;
  /** The event as it came, sealed whole. */
  readonly body: Uint8Array;
}

/** Outcome per event, in the order given. A conflict is: same id, another fingerprint. */
export type AppendOutcome =
  | { readonly kind: 'appended'; readonly position: Position; readonly streamVersion: number }
  | { readonly kind: 'duplicate'; readonly log: LogKey; readonly position: Position }
  | { readonly kind: 'conflict'; readonly log: LogKey; readonly position: Position }
  | { readonly kind: 'wrong-version'; readonly actualVersion: number }
  | { readonly kind: 'skipped' };

/** An outcome that says in which log the event was appended. */
export type PlacedOutcome = Exclude<AppendOutcome, { readonly kind: 'appended' }> | (Extract<AppendOutcome, { readonly kind: 'appended' }> & { readonly log: LogKey });

export interface KnownEvent {
  readonly id: string;
  readonly log: LogKey;
  readonly position: Position;
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** That events were counted as received. Named where their outcomes are counted, it keeps these from being counted after a crash took the receipt back. */
export interface Receipt {
  /** The run of the event database it was written in. */
  readonly run: string;
}

/**
 * `countAs: 'intake'` moves the per-source counters. With `receipt`, events are appended only while that receipt stands, else
 * `event-store-unavailable`: count a new receipt and send them again.
 */
export interface Counting {
  readonly countAs?: 'intake' | 'none';
  readonly receipt?: Receipt;
}

export interface SourceCount {
  readonly tenant: Tenant;
  readonly source: string;
  readonly received: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  /** received - accepted - duplicate - rejected: received, outcome never committed. */
  readonly unanswered: number;
}

/**
 * The write side. Calls for one log are coalesced into one transaction (group commit); one unit's conflict never fails another.
 * An append returns only after the fsynced commit. Errors: DomainError `unavailable` (`event-store-unavailable`, `append-queue-full`),
 * `conflict` (`epoch-renewed`, `stream-in-other-log`), `forbidden` (`not-granted`), `invalid` (`event-too-large`, `stream-name-too-long`,
 * `id-too-long`, `envelope-mismatch` …: before anything is stored). When one unit of a call fails so, the others are answered first and
 * may be stored: sent again they answer `duplicate`.
 */
export interface EventStore extends LogReader {
  /** Logs are created on first append. */
  append(log: LogKey, units: readonly AppendUnit[], options?: Counting & { epoch?: Epoch }): Promise<AppendOutcome[]>;
  /**
   * Appends each unit to the log its stream lives in; a new stream goes to the shard its name hashes to among the context's logs, and stays
   * there. Units may go to several logs, each a transaction of its own; a stream's keep the order of calls. Outcomes in the order given.
   */
  appendTo(tenant: Tenant, context: Context, units: readonly AppendUnit[], options?: Counting): Promise<PlacedOutcome[]>;
  /** Which of these ids are known, in any log of the tenant. */
  findEvents(tenant: Tenant, ids: readonly string[]): Promise<KnownEvent[]>;
  findEvent(tenant: Tenant, id: string): Promise<StoredEvent | undefined>;
  /**
   * The next page of a log, whole or filtered by type and subject reference. A filter hides no gap: `through` says up to which position
   * was looked, and a missing position is DomainError `conflict` (`log-gap`). Go on with `after: through` until it stays.
   */
  readPage(log: LogKey, request: PageRequest): Promise<LogPage>;
  /** Page after page up to the log's end, in constant memory: the next page is read while one is handed out. Each is a transaction of its own. */
  pages(log: LogKey, request: PageRequest): AsyncIterable<LogPage>;
  /** Up to `limit` events of a stream after version `after`, in order; fewer when their data passes 16 MiB. */
  readStream(tenant: Tenant, stream: string, after: number, limit: number): Promise<StoredEvent[]>;
  /** Counts a request's events as received (asynchronous commit). */
  recordReceipt(tenant: Tenant, via: string, received: number): Promise<Receipt>;
  /** Keeps rejects and counts them, in one transaction. Idempotent by (tenant, rejectId). `receipt`: as for appends. */
  recordRejects(rejects: readonly RejectToKeep[], receipt?: Receipt): Promise<void>;
  listRejects(tenant: Tenant, limit: number, beforeId?: string): Promise<Omit<RejectToKeep, 'body'>[]>;
  counts(tenant?: Tenant): Promise<SourceCount[]>;
  close(): Promise<void>;
}
