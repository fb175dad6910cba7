import { DomainError } from './domain-error.ts';

/** The business contexts, then one per deciding service (ARCHITECTURE 1.3). */
export const CONTEXTS = [
  'clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'marketing', 'social',
  'catalog', 'security', 'warehouse', 'analytics', 'alerting', 'backbone',
] as const;
/** A business area or deciding service that owns event types. */
export type Context = (typeof CONTEXTS)[number];
/** Contexts of facts from outside, which ingestion appends to. */
export const BUSINESS_CONTEXTS: readonly Context[] = CONTEXTS.slice(0, 7);

/** `[a-z0-9-]{1,32}`: a tenant stands in NATS subjects and file names. */
export type Tenant = string;

/** 1-based, dense, in commit order. 0 means "before the first event". Below 2^53, so a number. */
export type Position = number;

/** Renewed by `recover`, always increasing: seconds since 1970 at the moment the log was made or recovered. */
export type Epoch = number;

/** A log belongs to one tenant, context and shard; there is no order between logs. */
export interface LogKey {
  readonly tenant: Tenant;
  readonly context: Context;
  readonly shard: number;
}

/** Where a log stands: `position` is the last committed position, `leaf` (32 bytes) the hash there, absent at position 0. */
export interface LogHead extends LogKey {
  readonly epoch: Epoch;
  readonly position: Position;
  readonly leaf?: Uint8Array;
}

/** A place in a log that can be compared with the log later on: whoever keeps a position keeps all three. */
export interface LogMark {
  readonly epoch: Epoch;
  readonly position: Position;
  readonly leaf: Uint8Array;
}

/** An epoch that a recovery made. */
export interface LogEpoch {
  readonly epoch: Epoch;
  readonly previousEpoch: Epoch;
  /** First position that is not known to hold the previous epoch's event. */
  readonly fromPosition: Position;
  /** Where the log stood at the recovery, and the furthest position anybody had seen of it. */
  readonly head: Position;
  readonly previousHead: Position;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Exact spelling. */
export const isContext = (text: string): text is Context => (CONTEXTS as readonly string[]).includes(text);

const TENANT = /^[a-z0-9-]{1,32}$/;

/** Throws DomainError `tenant-malformed`, which doesn't repeat the text. */
export const parseTenant = (text: string): Tenant => {
  if (TENANT.test(text)) return text;
  throw new DomainError('invalid', 'tenant-malformed', { expected: TENANT.source }, `A tenant is 1 to 32 of a-z, 0-9 and "-"; got ${text.length} characters.`);
};

/** `sales/0`: the log's name within its tenant. */
export const logName = (log: Pick<LogKey, 'context' | 'shard'>): string => `${log.context}/${log.shard}`;

/** Reads `logName`'s form; throws DomainError `log-name-malformed`. */
export const parseLogName = (tenant: Tenant, name: string): LogKey => {
  const [context = '', shard = '', rest] = name.split('/');
  if (rest === undefined && isContext(context) && /^\d{1,4}$/.test(shard)) return { tenant, context, shard: Number(shard) };
  throw new DomainError('invalid', 'log-name-malformed', { name: name.slice(0, 80) }, `A log is named <context>/<shard>, as in sales/0; got "${name.slice(0, 80)}".`);
};

/** An as-of vector: log name -> position, over the logs of one tenant. */
export type AsOf = Readonly<Record<string, Position>>;
