import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Inject, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '@millrace/kernel';
import { Public } from '@millrace/service-kit';
import { SessionGuard } from '../session/session-guard.ts';
import { watchSession } from '../session/session-watch.ts';
import { queryOf } from './query-pairs.ts';
import { Upstream } from './upstream.ts';

/** Analytics' server-sent events, passed through byte by byte; ends when either side or the session does, and the page reconnects. */
@Public()
@UseGuards(SessionGuard)
@Controller('api/stream')
export class LiveController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream, @Inject(SessionGuard) private readonly guard: SessionGuard) {}

  @Get()
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const gone = new AbortController();
    request.raw.once('close', () => gone.abort());
    const response = await this.upstream.open('analytics', '/v1/stream', { query: queryOf(request.url), signal: gone.signal });
    if (!response.ok || response.body === null) throw new DomainError('unavailable', 'live-unavailable', { status: response.status }, 'Live numbers are not available now; the page asks again by itself.');
    watchSession(() => this.guard.visitor(request), gone.signal, () => gone.abort());
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-accel-buffering': 'no' });
    // Either side going away ends the stream; that is its normal end, not a failure.
    await pipeline(Readable.fromWeb(response.body), reply.raw).catch(() => reply.raw.destroy());
  }
}
