import { Controller, Get, Inject, Query } from '@nestjs/common';
import { PgEventStore, type SourceCount } from '@millrace/event-store';
import { optionalTenant } from './parameters.ts';

@Controller('v1/accounting')
export class AccountingController {
  constructor(@Inject(PgEventStore) private readonly store: PgEventStore) {}

  /** Per source: received = accepted + duplicate + rejected + unanswered. */
  @Get()
  async sums(@Query() query: unknown): Promise<{ sources: SourceCount[] }> {
    return { sources: await this.store.counts(optionalTenant(query)) };
  }
}
