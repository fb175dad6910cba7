import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { headers } from '@nats-io/transport-node';
import { causeOf, currentTraceparent, injectTrace, inSpan } from './tracing.ts';

const parentOf = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

describe('what caused a batch', () => {
  it('is nothing, the one trace its events share, or the first that is sampled with links to at most 128 others', () => {
    const unsampled = `00-${'d'.repeat(32)}-${'d'.repeat(16)}-00`;
    expect(causeOf([undefined, undefined])).toEqual({});
    expect(causeOf([undefined, parentOf('a'), parentOf('a')])).toEqual({ parent: parentOf('a') });
    expect(causeOf([parentOf('a'), parentOf('b')])).toEqual({ parent: parentOf('a'), links: [parentOf('b')] });
    expect(causeOf([unsampled, parentOf('a'), parentOf('b')])).toEqual({ parent: parentOf('a'), links: [unsampled, parentOf('b')] });
    expect(causeOf([unsampled])).toEqual({ parent: unsampled });
    const many = Array.from({ length: 140 }, (_, index) => `00-${String(index + 100).padStart(32, '0')}-${'1'.repeat(16)}-01`);
    expect(causeOf(many)).toEqual({ parent: many[0], links: many.slice(1, 129) });
  });
});

describe('without a started SDK', () => {
  it('spans cost nothing and change nothing', async () => {
    expect(await inSpan('work', {}, async () => currentTraceparent())).toBeUndefined();
    expect(injectTrace(headers()).has('traceparent')).toBe(false);
  });
});

describe('with an SDK', () => {
  const exporter = new InMemorySpanExporter();
  const finished = (): ReadableSpan[] => exporter.getFinishedSpans();
  beforeAll(() => {
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  });
  beforeEach(() => exporter.reset());
  afterAll(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  it('a span goes on in the trace it is told, and messages sent within carry it', async () => {
    const carried = await inSpan('outer', { parent: parentOf('a'), kind: 'producer' }, async () => injectTrace(headers()).get('traceparent'));
    const [outer] = finished();
    expect(outer?.spanContext().traceId).toBe('a'.repeat(32));
    expect(carried).toBe(`00-${'a'.repeat(32)}-${outer?.spanContext().spanId}-01`);
  });

  it('nested spans share a trace, and a batch links to its causes', async () => {
    await inSpan('outer', { links: [parentOf('b'), parentOf('c'), 'nonsense'] }, () => inSpan('inner', { attributes: { n: 1 } }, async () => undefined));
    const [inner, outer] = finished();
    expect(inner?.spanContext().traceId).toBe(outer?.spanContext().traceId);
    expect(inner?.attributes).toEqual({ n: 1 });
    expect(outer?.links.map((link) => link.context.traceId)).toEqual(['b'.repeat(32), 'c'.repeat(32)]);
  });

  it('a batch of several requests goes on in one of their traces', async () => {
    await inSpan('batch', { kind: 'producer', ...causeOf([parentOf('a'), parentOf('b')]) }, async () => undefined);
    const [batch] = finished();
    expect([batch?.spanContext().traceId, batch?.links.map((link) => link.context.traceId)]).toEqual(['a'.repeat(32), ['b'.repeat(32)]]);
  });

  it('an error marks the span and passes, without its text', async () => {
    await expect(inSpan('work', {}, () => Promise.reject(new Error('alice')))).rejects.toThrow('alice');
    expect(finished()[0]?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(JSON.stringify(finished()[0]?.events)).not.toContain('alice');
  });
});
