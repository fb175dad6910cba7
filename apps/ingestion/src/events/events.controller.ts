import { Controller, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { IntakeReport } from '@millrace/intake';
import { HttpProblem, Public, traceparentOf } from '@millrace/service-kit';
import { IntakeDesk } from './intake-desk.ts';

const refuseAllRejected = ({ outcomes, dropped }: IntakeReport): void => {
  if (outcomes.some(({ outcome }) => outcome !== 'rejected')) return;
  const detail = outcomes.length === 0 ? 'The request holds no event. Send at least one.' : 'No event of the request was stored; "outcomes" names place and reason for each. They were kept, and are listed among the rejects.';
  throw new HttpProblem(422, outcomes.length === 0 ? 'no-events' : 'all-events-rejected', detail, { outcomes, dropped });
};

@Controller('v1/events')
@Public()
export class EventsController {
  constructor(@Inject(IntakeDesk) private readonly desk: IntakeDesk) {}

  /** Wants a source key instead of an operator's token: the desk asks for it. */
  @Post()
  @HttpCode(202)
  async take(@Req() request: FastifyRequest): Promise<IntakeReport> {
    const report = await this.desk.take(request.raw, traceparentOf(request));
    refuseAllRejected(report);
    return report;
  }
}
