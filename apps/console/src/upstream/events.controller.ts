import { Controller, Get, Inject, Param, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Public } from '@millrace/service-kit';
import { SessionGuard } from '../session/session-guard.ts';
import { passedOn } from './browser-request.ts';
import { Upstream } from './upstream.ts';

/** Logs and single events, from backbone. Sealed fields stay sealed. */
@Public()
@UseGuards(SessionGuard)
@Controller('api')
export class EventsController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream) {}

  @Get('logs')
  logs(@Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('backbone', '/v1/logs', passedOn(request));
  }

  @Get('logs/:context/:shard/events')
  page(@Param('context') context: string, @Param('shard') shard: string, @Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('backbone', `/v1/logs/${encodeURIComponent(context)}/${encodeURIComponent(shard)}/events`, passedOn(request));
  }

  @Get('events/:id')
  event(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('backbone', `/v1/events/${encodeURIComponent(id)}`, passedOn(request));
  }
}
