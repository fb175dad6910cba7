import { DomainError } from '@millrace/kernel';
import { HttpProblem } from '@millrace/service-kit';
import type { z } from 'zod';

const faultsOf = (error: z.ZodError): string => error.issues.map(({ path, message }) => `${path.length === 0 ? 'the value' : path.join('.')}: ${message}`).join('; ');

/** Query or path parameters by their schema; DomainError `invalid` (`parameters-invalid`) names every fault. */
export const parametersOf = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DomainError('invalid', 'parameters-invalid', {}, `The parameters do not fit: ${faultsOf(parsed.error)}.`);
};

/** A JSON body by its schema. HttpProblem 415, DomainError `invalid` (`not-json`, `body-invalid`). The body is never repeated. */
export const jsonBodyOf = <T>(schema: z.ZodType<T>, contentType: string | undefined, body: unknown): T => {
  if (!/^application\/json\s*(?:;|$)/i.test(contentType ?? '')) throw new HttpProblem(415, 'content-type-unsupported', 'Expected content-type application/json.');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch {
    throw new DomainError('invalid', 'not-json', {}, 'The body is not JSON.');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DomainError('invalid', 'body-invalid', {}, `The body does not fit: ${faultsOf(parsed.error)}.`);
};
