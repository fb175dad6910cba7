import type { FastifyRequest } from 'fastify';
import { queryOf } from './query-pairs.ts';
import type { UpstreamRequest } from './upstream.ts';

/** Ends when the request is answered or its connection is gone: nobody waits any longer for what is asked on its behalf. */
export const whileWaiting = (request: FastifyRequest): AbortSignal => {
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  return gone.signal;
};

/** What a browser asks, to be passed on: its query, for as long as it waits. */
export const passedOn = (request: FastifyRequest): Pick<UpstreamRequest, 'query' | 'signal'> => ({ query: queryOf(request.url), signal: whileWaiting(request) });
