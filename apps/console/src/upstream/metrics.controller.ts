import { Controller, Get, Inject, Param, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Public } from '@millrace/service-kit';
import { SessionGuard } from '../session/session-guard.ts';
import { passedOn } from './browser-request.ts';
import { Upstream } from './upstream.ts';

/** Numbers and the events behind them, from analytics. */
@Public()
@UseGuards(SessionGuard)
@Controller('api/metrics')
export class MetricsController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream) {}

  @Get()
  list(@Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('analytics', '/v1/metrics', passedOn(request));
  }

  @Get(':id')
  metric(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('analytics', `/v1/metrics/${encodeURIComponent(id)}`, passedOn(request));
  }

  @Get(':id/events')
  trace(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    return this.upstream.json('analytics', `/v1/metrics/${encodeURIComponent(id)}/events`, passedOn(request));
  }
}
