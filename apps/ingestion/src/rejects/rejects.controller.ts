import { Controller, Get, Inject, Query } from '@nestjs/common';
import type { EventStore } from '@millrace/event-store';
import { z } from 'zod';
import { parametersOf } from '../request-input.ts';
import { STORE } from '../injection-tokens.ts';
import { tenantText } from '../sources/source.model.ts';

export const rejectsQuery = z.strictObject({ tenant: tenantText, limit: z.coerce.number().int().min(1).max(1000).default(100), before: z.string().regex(/^[\w-]{1,64}$/).optional() });

export const keptReject = z.strictObject({
  tenant: z.string(), via: z.string(), rejectId: z.string(), eventId: z.string().optional(), type: z.string().optional(), version: z.int().optional(),
  pointer: z.string(), code: z.string(), reason: z.string(), receivedAt: z.string(),
});
export const rejectList = z.strictObject({ rejects: z.array(keptReject) });

@Controller('v1/rejects')
export class RejectsController {
  constructor(@Inject(STORE) private readonly store: EventStore) {}

  /** Newest first; bodies stay sealed and are not listed. */
  @Get()
  async list(@Query() query: unknown): Promise<z.infer<typeof rejectList>> {
    const { tenant, limit, before } = parametersOf(rejectsQuery, query);
    return { rejects: await this.store.listRejects(tenant, limit, before) };
  }
}
