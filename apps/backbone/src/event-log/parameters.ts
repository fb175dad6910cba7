import { z } from 'zod';
import { DomainError, isContext, logName, parseLogName, parseTenant, type Context, type LogKey, type Tenant } from '@millrace/kernel';

/** A page is held in memory whole, and as JSON besides. */
const MAX_PAGE_EVENTS = 1000;
/** The event store takes no longer id. */
const MAX_ID_BYTES = 200;

/** Digits only: `after=` left empty by a client's mistake must not start the log over, nor `1e3` mean a thousand. */
const count = (min: number, max: number) => z.string().regex(/^\d{1,16}$/, 'expected a whole number').transform(Number).pipe(z.number().min(min).max(max));

const page = z.strictObject({
  tenant: z.string(),
  after: count(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: count(1, MAX_PAGE_EVENTS).default(100),
});
const ofTenant = z.strictObject({ tenant: z.string() });
const shardWish = z.strictObject({ tenant: z.string(), shards: z.int() });
/** Some logs: all of them, a tenant's, or those of a name. */
const logFilter = z.strictObject({ tenant: z.string().optional(), log: z.string().optional() });
/** An operator's words; they stand in a fact for ever. */
const MAX_REASON = 500;
const recoveryWish = logFilter.extend({ reason: z.string().trim().min(1).max(MAX_REASON) });
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
}

/** A page of a log. DomainError `invalid` names every fault. */
export const parseLogPage = (context: string, shard: string, query: unknown): LogPage => {
  const { tenant, after, limit } = parse(page, query);
  return { log: parseLogName(parseTenant(tenant), `${context}/${shard}`), after, limit };
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

/** Undefined means all tenants. */
export const optionalTenant = (query: unknown): Tenant | undefined => {
  const { tenant } = parse(maybeTenant, query);
  return tenant === undefined ? undefined : parseTenant(tenant);
};

/** DomainError `event-id-malformed` for an id that no event can have; asking the database would fail for some of them. */
export const parseEventId = (id: string): string => {
  const bytes = Buffer.byteLength(id);
  if (bytes >= 1 && bytes <= MAX_ID_BYTES && !id.includes('\0')) return id;
  throw new DomainError('invalid', 'event-id-malformed', { bytes }, `An event id has 1 to ${MAX_ID_BYTES} bytes of UTF-8 and no NUL; got ${bytes} bytes.`);
};
