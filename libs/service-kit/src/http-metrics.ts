import { trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import { nameByRoute } from './span-redaction.ts';

/** Seconds; dense below 50 ms, where the bar for an acknowledgement lies. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Duration of every answer by method, route pattern (never the path: it may hold ids) and status; the request's span is named by the same. */
export const measureHttp = (fastify: FastifyInstance, registry: Registry): void => {
  const histogram = new Histogram({ name: 'http_request_duration_seconds', help: 'Time from a request to the end of its answer', labelNames: ['method', 'route', 'status'], buckets: BUCKETS, registers: [registry] });
  fastify.addHook('onRequest', (request, _, done) => {
    nameByRoute(trace.getActiveSpan(), request.method, request.routeOptions.url);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    histogram.observe({ method: request.method, route: request.routeOptions.url ?? 'unknown', status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
};
