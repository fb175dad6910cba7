import { DomainError } from '@millrace/kernel';

// SQLSTATE classes: 08 connection, 53 out of resources, 57 operator's intervention (shutdown, crash).
const OUTAGE_STATE = /^(?:08|53|57)/;
const OUTAGE_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/** True for an error that says the database is away, and false for one that says the statement is wrong. */
export const isDatabaseOutage = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const code = 'code' in error ? String(error.code) : '';
  const message = 'message' in error ? String(error.message) : '';
  return OUTAGE_STATE.test(code) || OUTAGE_CODES.has(code) || /^Connection terminated|^timeout exceeded when trying to connect|^Driver not Connected|^Query read timeout/.test(message);
};

/** The answer, or an outage (`ETIMEDOUT`) when it takes longer. What is asked goes on and its answer is dropped: only for reading. */
export const within = <T>(ms: number, answer: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(Object.assign(new Error(`no answer within ${ms} ms`), { code: 'ETIMEDOUT' })), ms);
  return Promise.race([answer, promise]).finally(() => clearTimeout(timer));
};

/** Runs `work` on ingestion's own database; an outage becomes DomainError `unavailable` (`sources-unavailable`), other errors pass. */
export const withSourceDatabase = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (!isDatabaseOutage(error)) throw error;
    throw new DomainError('unavailable', 'sources-unavailable', {}, 'The database of source keys does not answer just now. Nothing was taken in; send the request again in a moment.');
  }
};
