import { randomBytes } from 'node:crypto';
import { context, trace } from '@opentelemetry/api';

interface Headed { readonly headers: Readonly<Record<string, string | string[] | undefined>> }

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const given = new WeakMap<object, string>();

/** W3C `traceparent` of the running span; else the caller's own header when it is well-formed; else undefined. */
export const traceparentOf = (request: Headed): string | undefined => {
  const span = trace.getSpanContext(context.active());
  if (span) return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
  const header = request.headers['traceparent'];
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
};

/** The trace id a request is known by in answers and logs: stable per request, made up when nobody brought one. */
export const traceIdOf = (request: Headed): string => {
  const known = given.get(request);
  if (known) return known;
  const id = traceparentOf(request)?.slice(3, 35) ?? randomBytes(16).toString('hex');
  given.set(request, id);
  return id;
};
