import type { HttpOptions } from '@millrace/service-kit';

/** The protocol's clients send text under whatever content type they like. */
export const witnessHttp: HttpOptions = {
  bodyLimitBytes: 128 * 1024,
  prepare: (fastify) => {
    fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  },
};
