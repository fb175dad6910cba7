import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Link } from '@opentelemetry/api';
import type { MsgHdrs } from '@nats-io/transport-node';

const tracer = trace.getTracer('millrace');

export interface SpanOptions {
  readonly kind?: 'internal' | 'producer' | 'consumer' | 'client' | 'server';
  /** Counts and names only: never payloads, identifiers of people, or tokens. */
  readonly attributes?: Attributes;
  /** W3C traceparent of what caused this, when it came in a message or an event. */
  readonly parent?: string;
  /** traceparents of further causes, as span links: a batch has many. */
  readonly links?: readonly string[];
}

/** As many as the SDK keeps of a span. */
const MAX_LINKS = 128;

const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;

/**
 * What the traces of events (W3C traceparent, where an event has one) make of a span over them: it goes on in the first that is sampled, so that
 * under load, when requests share a batch, some trace is whole; the others it links to.
 */
export const causeOf = (traceparents: readonly (string | undefined)[]): Pick<SpanOptions, 'parent' | 'links'> => {
  const causes = [...new Set(traceparents)].filter((one) => one !== undefined);
  const parent = causes.find(isSampled) ?? causes[0];
  if (parent === undefined) return {};
  const others = causes.filter((one) => one !== parent).slice(0, MAX_LINKS);
  return others.length === 0 ? { parent } : { parent, links: others };
};

const KINDS = { internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

const withParent = (traceparent: string | undefined): Context =>
  traceparent === undefined ? context.active() : propagation.extract(context.active(), { traceparent });

const linksOf = (traceparents: readonly string[]): Link[] => traceparents.flatMap((traceparent) => {
  const span = trace.getSpanContext(withParent(traceparent));
  return span ? [{ context: span }] : [];
});

/** Runs `work` in a span; an error marks the span and passes through. Costs next to nothing while no SDK is started. */
export const inSpan = async <T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> =>
  tracer.startActiveSpan(name, { kind: KINDS[options.kind ?? 'internal'], ...(options.attributes ? { attributes: options.attributes } : {}), ...(options.links ? { links: linksOf(options.links) } : {}) }, withParent(options.parent), async (span) => {
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
