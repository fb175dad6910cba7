import { DomainError, isDomainError } from '@millrace/kernel';

// SQLSTATE classes: 08 connection, 53 out of resources, 57 operator's intervention (shutdown, cancelled).
const OUTAGE = /^(08|53|57)/;
const SYSTEM = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

const isOutage = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return OUTAGE.test(code) || SYSTEM.has(code) || /^Connection terminated|timeout exceeded when trying to connect/.test(error.message);
};

/** Runs `work`; a database that is away becomes DomainError `unavailable` (`<name>-unavailable`), so that callers fail closed and know to come back. */
export const orUnavailable = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (isDomainError(error) || !isOutage(error)) throw error;
    throw Object.assign(new DomainError('unavailable', `${name}-unavailable`, {}, `The ${name} does not answer just now; try again shortly.`), { cause: error });
  }
};
