import { DomainError } from '@millrace/kernel';
import type { ZodType } from 'zod';

/** A request's body as its schema says, or DomainError `invalid` (`request-malformed`) naming the members at fault, never their values. */
export const parseBody = <T>(schema: ZodType<T>, body: unknown): T => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `/${path.join('/')}: ${message}`);
  throw new DomainError('invalid', 'request-malformed', { faults: faults.length }, `The request's body is not as expected. ${faults.slice(0, 5).join('; ').slice(0, 500)}.`);
};
