import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { ParkedDetail, ParkedOperations, ParkedOutcome, ParkedPage } from '@millrace/event-sourcing';
import { z } from 'zod';
import { PARKED } from './injection-tokens.ts';
import { parsed } from './parsed.ts';
import { Allow } from './token-guard.ts';

const MOST_LISTED = 1_000;
const USUALLY_LISTED = 100;
/** As long as the fact's contract allows. */
const LONGEST_REASON = 500;

const question = z.strictObject({ consumer: z.string().min(1).max(100).optional(), after: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(MOST_LISTED).default(USUALLY_LISTED) });
const discard = z.strictObject({ reason: z.string().trim().min(1).max(LONGEST_REASON) });

/** Events the service could not apply; only operators change anything. Apps that provide `PARKED` list it among their controllers. */
@Controller('v1/parked')
export class ParkedController {
  constructor(@Inject(PARKED) private readonly parked: ParkedOperations) {}

  @Get()
  list(@Query() query: unknown): Promise<ParkedPage> {
    const { limit, consumer, after } = parsed(question, query);
    return this.parked.list({ limit, ...(consumer === undefined ? {} : { consumer }), ...(after === undefined ? {} : { after }) });
  }

  @Get(':id')
  show(@Param('id') id: string): Promise<ParkedDetail> {
    return this.parked.show(id);
  }

  @Post(':id/retry')
  @Allow('operator')
  @HttpCode(200)
  retry(@Param('id') id: string): Promise<ParkedOutcome> {
    return this.parked.retry(id);
  }

  @Post(':id/discard')
  @Allow('operator')
  @HttpCode(200)
  discard(@Param('id') id: string, @Body() body: unknown): Promise<ParkedOutcome> {
    return this.parked.discard(id, parsed(discard, body ?? {}).reason);
  }
}
