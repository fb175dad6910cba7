import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { INTAKE_LIMITS } from '@millrace/intake';
import { HttpProblem, type HttpOptions } from '@millrace/service-kit';
import { announcedBytes, discardRest, type Patience } from './request-bytes.ts';

const OTHER_METHODS: HTTPMethods[] = ['GET', 'PUT', 'PATCH', 'DELETE'];

/** Anyone may be refused, so a body that won't be taken is heard out only as far as one that would be. */
const WITH_ANYONE: Patience = { maxBytes: INTAKE_LIMITS.maxBytes, maxMs: 5_000 };
/** The holder of a key with too large a body is told so after it, as most clients write all of it before they read. */
const WITH_A_KEY: Patience = { maxBytes: 64 * 1024 * 1024, maxMs: 10_000 };

/**
 * An answer waits for the request's end: closing while the client still writes makes its system throw the answer away. After the bounds the
 * connection is closed all the same.
 */
const answerAfterBody = async (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> => {
  if (request.raw.complete || announcedBytes(request.raw) === 0) return payload;
  // A route says 413 only to a sender that it knows.
  const ended = await discardRest(request.raw, reply.statusCode === 413 ? WITH_A_KEY : WITH_ANYONE);
  if (!ended) void reply.header('connection', 'close');
  return payload;
};

/**
 * Bodies reach the routes unread: each asks first who sends, then reads as much as it takes. A wrong content type is told by the route that
 * knows which ones it takes.
 */
export const rawBodies: HttpOptions = {
  bodyParser: false,
  prepare: (fastify: FastifyInstance): void => {
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (_request, payload, done) => { done(null, payload); });
    fastify.addHook('onSend', answerAfterBody);
    fastify.route({
      method: OTHER_METHODS, url: '/v1/events',
      handler: (_request, reply) => {
        void reply.header('allow', 'POST');
        throw new HttpProblem(405, 'method-not-allowed', 'Events are sent to this path with POST; what is stored is read from backbone.');
      },
    });
  },
};
