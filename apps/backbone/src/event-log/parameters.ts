import { z } from 'zod';
import { DomainError, isContext, logName, parseEventType, parseLogName, parseTenant, type Context, type LogKey, type Tenant } from '@millrace/kernel';

/** A page is held in memory whole, and as JSON besides. */
const MAX_PAGE_EVENTS = 1000;
/** The event store takes no longer id and no longer stream name. */
const MAX_ID_BYTES = 200;

/** Digits only: `after=` left empty by a client's mistake must not start the log over, nor `1e3` mean a thousand. */
const count = (min: number, max: number) => z.string().regex(/^\d{1,16}$/, 'expected a whole number').transform(Number).pipe(z.number().min(min).max(max));

const page = {
  tenant: z.string(),
  after: count(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: count(1, MAX_PAGE_EVENTS).default(100),
};
/** Nothing that could be a person's: a subject reference is random. */
const subject = z.string().regex(/^sub_[0-9a-f]{32}$/, 'expected a subject reference: sub_ and 32 hex digits');
const type = z.string().refine((text) => parseEventType(text) !== undefined, 'expected an event type such as sales.order.placed');
const logPage = z.strictObject({ ...page, type: type.optional(), subject: subject.optional() });
const streamPage = z.strictObject({ ...page, stream: z.string() });
const ofTenant = z.strictObject({ tenant: z.string() });
const shardWish = z.strictObject({ tenant: z.string(), shards: z.int() });
/** Some logs: all of them, a tenant's, or those of a name. */
const logFilter = z.strictObject({ tenant: z.string().optional(), log: z.string().optional() });
/** An operator's words; they stand in a fact for ever. */
const MAX_REASON = 500;
const verificationWish = logFilter.extend({ recovered: z.string().regex(/^\d{1,15}(,\d{1,15})*$/).optional() });
const recoveryWish = logFilter.extend({ reason: z.string().trim().min(1).max(MAX_REASON) });
const refillWish = z.strictObject({ tenant: z.string(), log: z.string(), from: z.int().min(1) });
/** Newest events of each type and log that a check of contracts reads. */
const sampleWish = z.strictObject({ sample: count(1, 10_000).default(100) });
const maybeTenant = z.strictObject({ tenant: z.string().optional() });

const parse = <T>(schema: z.ZodType<T>, query: unknown): T => {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'they'}: ${message}`).join('; ');
  throw new DomainError('invalid', 'parameters-invalid', {}, `The parameters do not fit: ${faults}.`);
};

export interface LogPage {
  readonly log: LogKey;
  readonly after: number;
  readonly limit: number;
  readonly type?: string;
  readonly subject?: string;
}

/** A segment of fewer events is mostly header; of more, minutes of work are lost when it is interrupted. */
const archiveWish = z.strictObject({ tenant: z.string(), log: z.string(), through: z.int().min(1), segmentEvents: z.int().min(100).max(100_000).optional() });

/** Up to which position a log is to be archived, and how many events go into a segment. */
export const parseArchiveWish = (body: unknown): { log: LogKey; through: number; segmentEvents?: number } => {
  const { tenant, log, ...wish } = parse(archiveWish, body);
  return { log: parseLogName(parseTenant(tenant), log), ...wish };
};

const redactionWish = z.strictObject({ tenant: z.string(), eventId: z.string().min(1).max(MAX_ID_BYTES) });

/** Which event's redaction the archive is to follow. */
export const parseRedactionWish = (body: unknown): { tenant: Tenant; eventId: string } => {
  const { tenant, eventId } = parse(redactionWish, body);
  return { tenant: parseTenant(tenant), eventId };
};

export interface StreamPage {
  readonly tenant: Tenant;
  readonly stream: string;
  readonly after: number;
  readonly limit: number;
}

/** A page of a log. DomainError `invalid` names every fault. */
export const parseLogPage = (context: string, shard: string, query: unknown): LogPage => {
  const { tenant, ...request } = parse(logPage, query);
  return { log: parseLogName(parseTenant(tenant), `${context}/${shard}`), ...request };
};

/** A page of one stream; `after` is a version of it. */
export const parseStreamPage = (query: unknown): StreamPage => {
  const { tenant, stream, ...request } = parse(streamPage, query);
  return { tenant: parseTenant(tenant), stream: parseStreamName(stream), ...request };
};

export const requiredTenant = (query: unknown): Tenant => parseTenant(parse(ofTenant, query).tenant);

/** DomainError `context-unknown`. */
export const parseContext = (text: string): Context => {
  if (isContext(text)) return text;
  throw new DomainError('invalid', 'context-unknown', { context: text.slice(0, 40) }, 'No context has this name: logs belong to sales, customer, inventory and the like.');
};

/** What a raise of a count of logs is asked with. */
export const parseShardWish = (body: unknown): { tenant: Tenant; shards: number } => {
  const { tenant, shards } = parse(shardWish, body);
  return { tenant: parseTenant(tenant), shards };
};

/** Which log's stream is to be filled again, and from which position on. */
export const parseRefillWish = (body: unknown): { log: LogKey; from: number } => {
  const { tenant, log, from } = parse(refillWish, body);
  return { log: parseLogName(parseTenant(tenant), log), from };
};

export interface LogFilterWish {
  readonly tenant?: Tenant;
  readonly log?: string;
}

const checkedFilter = ({ tenant, log }: z.infer<typeof logFilter>): LogFilterWish => ({
  ...(tenant === undefined ? {} : { tenant: parseTenant(tenant) }), ...(log === undefined ? {} : { log: logName(parseLogName(tenant ?? '', log)) }),
});

export const parseLogFilter = (query: unknown): LogFilterWish => checkedFilter(parse(logFilter, query));

export const parseRecoveryWish = (body: unknown): LogFilterWish & { readonly reason: string } => {
  const { reason, ...filter } = parse(recoveryWish, body);
  return { ...checkedFilter(filter), reason };
};

/** What is to be verified: all logs, or those of a tenant, or those of a name; and the epochs whose end the operator knows of. */
export interface VerificationWish extends LogFilterWish {
  readonly recovered: readonly number[];
}

export const parseVerificationWish = (query: unknown): VerificationWish => {
  const { recovered, ...filter } = parse(verificationWish, query);
  return { ...checkedFilter(filter), recovered: recovered?.split(',').map(Number) ?? [] };
};

export const parseSample = (query: unknown): number => parse(sampleWish, query).sample;

/** Undefined means all tenants. */
export const optionalTenant = (query: unknown): Tenant | undefined => {
  const { tenant } = parse(maybeTenant, query);
  return tenant === undefined ? undefined : parseTenant(tenant);
};

const parseStreamName = (stream: string): string => {
  const bytes = Buffer.byteLength(stream);
  if (bytes <= MAX_ID_BYTES && /^[a-z0-9-]+\.[a-z0-9-]+\/[^\0]+$/.test(stream)) return stream;
  throw new DomainError('invalid', 'stream-name-malformed', { bytes }, `A stream is named <context>.<aggregate>/<id>, as in sales.order/81, in at most ${MAX_ID_BYTES} bytes; got ${bytes} bytes.`);
};

/** DomainError `event-id-malformed` for an id that no event can have; asking the database would fail for some of them. */
export const parseEventId = (id: string): string => {
  const bytes = Buffer.byteLength(id);
  if (bytes >= 1 && bytes <= MAX_ID_BYTES && !id.includes('\0')) return id;
  throw new DomainError('invalid', 'event-id-malformed', { bytes }, `An event id has 1 to ${MAX_ID_BYTES} bytes of UTF-8 and no NUL; got ${bytes} bytes.`);
};

/** The name a reject got when it was kept. */
export const parseRejectId = (id: string): string => {
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new DomainError('invalid', 'reject-id-malformed', {}, 'A reject is named by 1 to 64 letters, digits, "-" and "_", as `millrace rejects list` shows it.');
};
