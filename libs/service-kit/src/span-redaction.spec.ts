import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { nameByRoute, SpanRedaction } from './span-redaction.ts';

const exporter = new InMemorySpanExporter();
const tracer = new TracerProvider({ spanProcessors: [new SpanRedaction(), new SimpleSpanProcessor({ exporter })] }).getTracer('spec');
beforeEach(() => exporter.reset());

/** What instrumentations set, at the start and at the end of a request. */
const canaries = {
  'url.query': 'token=canary', 'url.path': '/login/canary', 'url.full': 'http://canary:canary@127.0.0.1/login?token=canary', 'http.target': '/login?token=canary', 'http.url': 'http://x/?canary',
  'client.address': '203.0.113.9', 'network.peer.address': '203.0.113.9', 'network.peer.port': 4711, 'net.peer.ip': '203.0.113.9', 'net.peer.name': '203.0.113.9', 'http.client_ip': '203.0.113.9',
  'user_agent.original': 'canary/1.0', 'server.address': 'canary.example.org', 'http.request.header.authorization': ['Bearer canary'], 'db.postgresql.values': ['canary'],
};

it('lets no address, query, user agent or text of an error out, whenever it was set', () => {
  const span = tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes: { ...canaries, 'http.request.method': 'GET' } });
  span.setAttributes({ ...canaries, 'http.response.status_code': 500 });
  span.recordException(Object.assign(new Error('canary at 203.0.113.9'), { code: 'ECONNRESET' }));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'canary' });
  span.end();
  const [sent] = exporter.getFinishedSpans();
  const told = { attributes: sent?.attributes, events: sent?.events.map(({ name, attributes }) => ({ name, attributes })), status: sent?.status };
  expect(told).toEqual({
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': 500 },
    events: [{ name: 'exception', attributes: { 'exception.type': 'ECONNRESET' } }], status: { code: SpanStatusCode.ERROR },
  });
});

it('keeps what says where time goes', () => {
  const attributes = { 'millrace.log': 'sales/0', 'messaging.batch.message_count': 7, 'db.namespace': 'events', 'db.query.text': 'select $1' };
  tracer.startSpan('relay batch', { attributes }).end();
  expect(exporter.getFinishedSpans()[0]?.attributes).toEqual(attributes);
});

it('names a request\'s span by method and route', () => {
  const [routed, unknown] = [tracer.startSpan('GET'), tracer.startSpan('GET')];
  nameByRoute(routed, 'GET', '/v1/logs/:log');
  nameByRoute(unknown, 'GET', undefined);
  nameByRoute(undefined, 'GET', '/v1');
  routed.end();
  unknown.end();
  expect(exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes])).toEqual([['GET /v1/logs/:log', { 'http.route': '/v1/logs/:log' }], ['GET', {}]]);
});
