import { z } from 'zod';
import { DomainError, parseLogName, parseTenant, type LogKey, type Tenant } from '@millrace/kernel';

const page = z.strictObject({
  tenant: z.string(),
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const ofTenant = z.strictObject({ tenant: z.string() });
const maybeTenant = z.strictObject({ tenant: z.string().optional() });

const parse = <T>(schema: z.ZodType<T>, query: unknown): T => {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the query'}: ${message}`).join('; ');
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

/** Undefined means all tenants. */
export const optionalTenant = (query: unknown): Tenant | undefined => {
  const { tenant } = parse(maybeTenant, query);
  return tenant === undefined ? undefined : parseTenant(tenant);
};
