import { Controller, Get, Query, Res } from '@nestjs/common';
import { Closing } from '@millrace/service-kit';
import type { FastifyReply } from 'fastify';
import { parseTenantParameter, type QuestionParameters } from '../metrics/question.model.ts';
import { EventStream } from './event-stream.ts';
import { KpiHub } from './kpi-hub.ts';

@Controller('v1/stream')
export class StreamController {
  constructor(private readonly hub: KpiHub, private readonly closing: Closing) {}

  /** `event: kpi` with the tenant's KPIs, at once and after each change. */
  @Get()
  stream(@Query() query: QuestionParameters, @Res() reply: FastifyReply): void {
    const leave = this.hub.subscribe(parseTenantParameter(query['tenant']), (snapshot) => stream.send('kpi', snapshot));
    reply.hijack();
    const stream = new EventStream(reply.raw, this.closing.signal, leave);
  }
}
