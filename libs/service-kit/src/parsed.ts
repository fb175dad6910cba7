import { DomainError } from '@millrace/kernel';
import type { z } from 'zod';

/** A request's query or body by its schema. Throws DomainError `request-malformed`, which names the place and repeats no value. */
export const parsed = <T extends z.ZodType>(schema: T, value: unknown): z.output<T> => {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const pointer = `/${issue?.path.join('/') ?? ''}`;
  throw new DomainError('invalid', 'request-malformed', { pointer }, `At ${pointer}: ${issue?.message ?? 'malformed'}.`);
};
