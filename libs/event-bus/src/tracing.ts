import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Context } from '@opentelemetry/api';
import type { MsgHdrs } from '@nats-io/transport-node';

const tracer = trace.getTracer('millrace');

export interface SpanOptions {
  readonly kind?: 'internal' | 'producer' | 'consumer' | 'client' | 'server';
  /** Counts and names only: never payloads, identifiers of people, or tokens. */
  readonly attributes?: Attributes;
  /** W3C traceparent of what caused this, when it came in a message or an event. */
  readonly parent?: string;
}

const KINDS = { internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

const withParent = (traceparent: string | undefined): Context =>
  traceparent === undefined ? context.active() : propagation.extract(context.active(), { traceparent });

/** Runs `work` in a span; an error marks the span and passes through. Costs next to nothing while no SDK is started. */
export const inSpan = async <T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> =>
  tracer.startActiveSpan(name, { kind: KINDS[options.kind ?? 'internal'], ...(options.attributes ? { attributes: options.attributes } : {}) }, withParent(options.parent), async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });

/** `traceparent` of the running span; undefined when there is none. */
export const currentTraceparent = (): string | undefined => {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
};

/** Adds the running span's context to a message. */
export const injectTrace = (headers: MsgHdrs): MsgHdrs => {
  propagation.inject(context.active(), headers, { set: (carrier, key, value) => carrier.set(key, value) });
  return headers;
};
