import { DomainError, parseLogName, parseTenant, type Tenant } from '@millrace/kernel';
import { z } from 'zod';

/** What is to be verified: all logs, or those of a tenant, or one. */
export interface VerificationWish {
  readonly tenant?: Tenant;
  /** `sales/0` */
  readonly log?: string;
  readonly recovered: readonly number[];
}

const query = z.strictObject({ tenant: z.string().optional(), log: z.string().optional(), recovered: z.string().regex(/^\d{1,15}(,\d{1,15})*$/).optional() });

/** DomainError `parameters-invalid`, `tenant-malformed` or `log-name-malformed`. */
export const parseVerificationWish = (given: unknown): VerificationWish => {
  const parsed = query.safeParse(given);
  if (!parsed.success) throw new DomainError('invalid', 'parameters-invalid', {}, `The parameters do not fit: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}.`);
  const { tenant, log, recovered } = parsed.data;
  if (log !== undefined) parseLogName(tenant ?? 'any', log);
  return { ...(tenant === undefined ? {} : { tenant: parseTenant(tenant) }), ...(log === undefined ? {} : { log }), recovered: recovered === undefined ? [] : recovered.split(',').map(Number) };
};
