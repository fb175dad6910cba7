import { Body, Controller, Inject, Post } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { z } from 'zod';
import { parseBody } from '../request-body.ts';
import { Redaction, type RedactionOrder } from './redaction.ts';

const request = z.strictObject({
  tenant: z.string().regex(/^[a-z0-9-]{1,32}$/, 'expected a tenant of 1 to 32 of a-z, 0-9 and "-"'),
  eventId: z.string().min(1).max(200),
  reason: z.string().trim().min(8, 'expected a reason of at least 8 characters: a ticket or an occasion, no personal data').max(500).regex(/^\P{C}+$/u, 'expected a reason without control characters'),
});

@Controller('v1/redactions')
export class RedactionController {
  constructor(@Inject(Redaction) private readonly redaction: Redaction) {}

  @Post()
  @Allow('operator')
  order(@Body() body: unknown): Promise<RedactionOrder> {
    return this.redaction.order(parseBody(request, body));
  }
}
