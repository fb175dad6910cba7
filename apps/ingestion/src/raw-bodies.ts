import type { FastifyInstance } from 'fastify';
import { INTAKE_LIMITS } from '@millrace/intake';
import type { HttpOptions } from '@millrace/service-kit';

/**
 * Bodies reach the routes as bytes: events are scanned before they are parsed, and a wrong content type is told by the route that knows
 * which ones it takes.
 */
export const rawBodies: HttpOptions = {
  bodyLimitBytes: INTAKE_LIMITS.maxBytes,
  bodyParser: false,
  prepare: (fastify: FastifyInstance): void => {
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  },
};
