import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Registry } from 'prom-client';
import { CONFIG, METRICS } from './injection-tokens.ts';
import { Readiness } from './readiness.ts';
import type { HttpConfig } from './shared.config.ts';
import { Public } from './token-guard.ts';

/** What an orchestrator and Prometheus ask of every service. */
@Public()
@Controller()
export class OperationsController {
  constructor(private readonly readiness: Readiness, @Inject(CONFIG) private readonly config: HttpConfig, @Inject(METRICS) private readonly metrics: Registry) {}

  /** The process answers; says nothing about what it depends on, so that a database outage restarts nobody. A moved clock shows. */
  @Get('live')
  live(): { live: true; clockOffsetMs?: number } {
    const { clockOffsetMs } = this.config;
    return { live: true, ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }) };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<{ ready: boolean; checks: Record<string, string> }> {
    const report = await this.readiness.report();
    void reply.status(report.ready ? 200 : 503);
    return report;
  }

  @Get('metrics')
  async print(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.header('content-type', this.metrics.contentType);
    return this.metrics.metrics();
  }
}
