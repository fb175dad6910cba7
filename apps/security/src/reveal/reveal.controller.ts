import { Body, Controller, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { Principal, traceparentOf, type PrincipalName } from '@millrace/service-kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseBody } from '../request-body.ts';
import { Reveal, REVEALABLE, type Revealed } from './reveal.ts';

const MAX_REFS = 500;
const request = z.strictObject({
  tenant: z.string().regex(/^[a-z0-9-]{1,32}$/, 'expected a tenant of 1 to 32 of a-z, 0-9 and "-"'),
  refs: z.array(z.string().regex(/^sub_[0-9a-f]{32}$/, 'expected a subject reference: sub_ and 32 hex digits')).min(1).max(MAX_REFS),
  field: z.enum(REVEALABLE),
  reason: z.string().trim().min(8, 'expected a reason of at least 8 characters: a ticket or an occasion, no personal data').max(500).regex(/^\P{C}+$/u, 'expected a reason without control characters'),
});

@Controller('v1/reveal')
export class RevealController {
  constructor(@Inject(Reveal) private readonly reveals: Reveal) {}

  @Post()
  @HttpCode(200)
  async reveal(@Body() body: unknown, @Principal() principal: PrincipalName, @Req() http: FastifyRequest): Promise<{ revealed: Revealed[] }> {
    return { revealed: await this.reveals.reveal(parseBody(request, body), principal, traceparentOf(http)) };
  }
}
