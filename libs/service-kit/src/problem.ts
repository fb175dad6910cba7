import { HttpException } from '@nestjs/common';
import { isDomainError, type ErrorKind } from '@millrace/kernel';

/** RFC 9457 body of a failed request. `code` is stable, `detail` says what was expected, what came and what to do. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
  readonly traceId: string;
}

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = { invalid: 400, forbidden: 403, 'not-found': 404, conflict: 409, unavailable: 503 };

/** Seconds a caller is asked to wait after 503: longer than a restart of Postgres or NATS on one machine. */
export const RETRY_AFTER_SECONDS = 2;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request', 401: 'Not authenticated', 403: 'Not allowed', 404: 'Not found', 405: 'Method not allowed', 408: 'Request timed out', 409: 'Conflict',
  413: 'Too large', 415: 'Unsupported content type', 422: 'Not acceptable as it is', 429: 'Too many requests', 500: 'Internal error', 503: 'Not available now', 504: 'Took too long',
};

/** For a status that no DomainError kind maps to (401, 413, 415, 422, 429 …). `extensions` are added to the problem's body. */
export class HttpProblem extends HttpException {
  constructor(status: number, readonly code: string, detail: string, readonly extensions: Readonly<Record<string, unknown>> = {}, readonly retryAfterSeconds?: number) {
    super(detail, status);
  }
}

export interface ProblemAnswer {
  readonly body: Problem & Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  /** True when nobody expected this error: the filter logs it, once. */
  readonly unexpected: boolean;
}

const answer = (status: number, code: string, detail: string | undefined, traceId: string, rest: { extensions?: Readonly<Record<string, unknown>>; retryAfterSeconds?: number } = {}): ProblemAnswer => ({
  body: { ...rest.extensions, type: `urn:millrace:problem:${code}`, title: TITLES[status] ?? 'Request failed', status, ...(detail === undefined ? {} : { detail }), code, traceId },
  ...(rest.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: rest.retryAfterSeconds }),
  unexpected: status === 500,
});

/** Status Fastify gives its own errors (body too large, not JSON, unknown content type), below 500 only. */
const clientStatus = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500 ? error.statusCode : undefined;

const CODES: Readonly<Record<number, string>> = { 400: 'request-malformed', 401: 'not-authenticated', 403: 'forbidden', 404: 'route-not-found', 405: 'method-not-allowed', 413: 'body-too-large', 415: 'content-type-unsupported', 429: 'too-many-requests', 503: 'unavailable' };

/** Details of framework errors are ours: Fastify's and Nest's own may quote the input. */
const DETAILS: Readonly<Record<number, string>> = {
  400: 'Expected a request body and parameters as the API describes them; the ones that came could not be read.',
  404: 'Expected a path of this API. Check the address and the method.',
  413: 'The body is larger than this route accepts. Send less per request.',
  415: 'The content type is not one this route reads. Send application/json.',
};

/** Maps whatever was thrown to its one answer: DomainError by kind, HttpProblem as it says, framework errors by status, all else 500 without detail. */
export const problemOf = (error: unknown, traceId: string): ProblemAnswer => {
  if (error instanceof HttpProblem) {
    return answer(error.getStatus(), error.code, error.message, traceId, { extensions: error.extensions, ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }) });
  }
  if (isDomainError(error)) {
    return answer(STATUS_BY_KIND[error.kind], error.code, error.message, traceId, error.kind === 'unavailable' ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {});
  }
  const status = error instanceof HttpException ? error.getStatus() : clientStatus(error);
  if (status !== undefined && status !== 500) return answer(status, CODES[status] ?? `http-${status}`, DETAILS[status], traceId);
  return answer(500, 'internal-error', undefined, traceId);
};
