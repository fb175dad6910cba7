import type { Attributes, Span } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/**
 * What a span may tell. A list of what may, and not of what may not: instrumentations set addresses of clients, paths with their queries (a login
 * link's token is in one), user agents and texts of errors that quote input, and their next release may set more.
 */
const TOLD = new Set([
  'http.request.method', 'http.response.status_code', 'http.route', 'url.scheme', 'network.protocol.version', 'error.type', 'exception.type',
  'db.system.name', 'db.namespace', 'db.operation.name', 'db.query.text',
]);
/** Set by our own code: counts and names. */
const OURS = /^(millrace|messaging)\./;

const prune = (attributes: Attributes): void => {
  for (const name of Object.keys(attributes)) if (!TOLD.has(name) && !OURS.test(name)) delete attributes[name];
};

/** Takes everything out of an ended span that may not leave the process. Stands before the processor that exports: they run in order. */
export class SpanRedaction implements SpanProcessor {
  onStart(): void {
    // What is set while a span runs is taken out at its end.
  }

  onEnd(span: ReadableSpan): void {
    prune(span.attributes);
    for (const { attributes } of span.events) if (attributes) prune(attributes);
    delete span.status.message;
  }

  async forceFlush(): Promise<void> {
    // Holds nothing.
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

/** Names the span of a request by its route's pattern (never the path: it may hold ids), as the conventions for HTTP spans want it. */
export const nameByRoute = (span: Span | undefined, method: string, route: string | undefined): void => {
  if (span === undefined || route === undefined) return;
  span.setAttribute('http.route', route);
  span.updateName(`${method} ${route}`);
};
