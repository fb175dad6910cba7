import { Controller, Get, Inject, Query } from '@nestjs/common';
import type { EventStore } from '@millrace/event-store';
import { z } from 'zod';
import { STORE } from '../injection-tokens.ts';
import { parametersOf } from '../request-input.ts';
import { tenantText } from '../sources/source.model.ts';

export const accountingQuery = z.strictObject({ tenant: tenantText.optional() });

const count = z.int().min(0);
/** received = accepted + duplicate + rejected + unanswered; unanswered may be below zero for a moment, while a receipt is on its way. */
export const sourceSum = z.strictObject({ tenant: z.string(), source: z.string(), received: count, accepted: count, duplicate: count, rejected: count, unanswered: z.int() });
export const accounting = z.strictObject({ sources: z.array(sourceSum) });

@Controller('v1/accounting')
export class AccountingController {
  constructor(@Inject(STORE) private readonly store: EventStore) {}

  @Get()
  async sums(@Query() query: unknown): Promise<z.infer<typeof accounting>> {
    return { sources: await this.store.counts(parametersOf(accountingQuery, query).tenant) };
  }
}
