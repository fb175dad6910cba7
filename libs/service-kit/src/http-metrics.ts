import { trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import { SECONDS } from './durations.ts';
import { nameByRoute } from './span-redaction.ts';

/** Duration of every answer by method, route pattern (never the path: it may hold ids) and status; the request's span is named by the same. */
export const measureHttp = (fastify: FastifyInstance, registry: Registry): void => {
  const histogram = new Histogram({ name: 'millrace_http_request_duration_seconds', help: 'Time from a request to the end of its answer', labelNames: ['method', 'route', 'status'], buckets: SECONDS, registers: [registry] });
  fastify.addHook('onRequest', (request, _, done) => {
    nameByRoute(trace.getActiveSpan(), request.method, request.routeOptions.url);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    histogram.observe({ method: request.method, route: request.routeOptions.url ?? 'unknown', status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
};
