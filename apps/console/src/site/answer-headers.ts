import type { FastifyInstance } from 'fastify';

/** For every answer, numbers and problems included: read as what it says it is, kept by nobody on the way unless it says so, no address told to others. */
export const protectAnswers = (fastify: FastifyInstance): void => {
  fastify.addHook('onSend', async (_, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
  });
};
