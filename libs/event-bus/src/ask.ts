import { headers as newHeaders, NoRespondersError, RequestError, TimeoutError, type Msg } from '@nats-io/transport-node';
import { DomainError, type ErrorDetails, type ErrorKind } from '@millrace/kernel';
import type { BusLink } from './link.ts';
import { inSpan, injectTrace } from './tracing.ts';

/** `<kind> <code>`; the payload is then JSON `{message, details}`. */
const ERROR_HEADER = 'Millrace-Error';
const KINDS: readonly ErrorKind[] = ['invalid', 'not-found', 'conflict', 'forbidden', 'unavailable'];

/** A local answer takes milliseconds; after this long the answerer is considered away. */
const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Sends bytes to a subject and returns the answer's bytes. Not retried: the caller knows whether its question is idempotent. Errors: what the
 * answerer threw as DomainError comes back as one; nobody there, no answer in time, or bus down: `unavailable` (`nobody-answers`,
 * `answer-timed-out`, `bus-unavailable`).
 */
export const ask = async (link: BusLink, subject: string, payload: Uint8Array, options: { timeoutMs?: number } = {}): Promise<Uint8Array> =>
  inSpan('ask', { kind: 'client', attributes: { 'messaging.destination.name': subject } }, async () => {
    const answer = await request(link, subject, payload, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const error = answer.headers?.get(ERROR_HEADER);
    if (error) throw errorFrom(error, answer.data);
    return answer.data;
  });

/** `ask` with JSON both ways. The answer is of the type its contract promises; the caller parses what it can't trust. */
export const askJson = async (link: BusLink, subject: string, question: unknown, options: { timeoutMs?: number } = {}): Promise<unknown> => {
  const answer = await ask(link, subject, new TextEncoder().encode(JSON.stringify(question)), options);
  return answer.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(answer));
};

const request = async (link: BusLink, subject: string, payload: Uint8Array, timeout: number): Promise<Msg> => {
  const nc = link.connection();
  try {
    return await nc.request(subject, payload, { timeout, headers: injectTrace(newHeaders()) });
  } catch (error) {
    if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())) {
      throw new DomainError('unavailable', 'nobody-answers', { subject }, `Nobody answers ${subject} just now. Is the service that owns it running?`);
    }
    if (error instanceof TimeoutError) throw new DomainError('unavailable', 'answer-timed-out', { subject, timeout }, `No answer on ${subject} within ${timeout} ms.`);
    throw error;
  }
};

const errorFrom = (header: string, payload: Uint8Array): DomainError => {
  const [kindText = '', code = 'answer-failed'] = header.split(' ');
  const kind = KINDS.find((known) => known === kindText) ?? 'unavailable';
  const body: unknown = payload.length === 0 ? {} : JSON.parse(new TextDecoder().decode(payload));
  const { message, details } = body as { message?: string; details?: ErrorDetails };
  return new DomainError(kind, code, details ?? {}, message);
};

/** Answers a question with bytes. */
export const respond = (message: Msg, payload: Uint8Array): void => {
  message.respond(payload);
};

/** Answers with an error: a DomainError crosses as it is, anything else as `unavailable`/`answer-failed` without its text. */
export const respondError = (message: Msg, error: unknown): void => {
  const known = error instanceof DomainError ? error : new DomainError('unavailable', 'answer-failed', {}, 'The answering service failed; its log says why.');
  const headers = newHeaders();
  headers.set(ERROR_HEADER, `${known.kind} ${known.code}`);
  message.respond(new TextEncoder().encode(JSON.stringify({ message: known.message, details: known.details })), { headers });
};
