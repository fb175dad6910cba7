import { Controller, Get, Inject, Query } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { DomainError } from '@millrace/kernel';
import { toEventView, type EventView } from './event-view.ts';
import { parseStreamPage } from './parameters.ts';

@Controller('v1/streams')
export class StreamsController {
  constructor(@Inject(PgEventStore) private readonly store: PgEventStore) {}

  /** A stream's events after a version, in order and dense. */
  @Get()
  async events(@Query() query: unknown): Promise<{ events: EventView[] }> {
    const { tenant, stream, after, limit } = parseStreamPage(query);
    const events = await this.store.readStream(tenant, stream, after, limit);
    if (events.length === 0 && after === 0) throw new DomainError('not-found', 'stream-unknown', {}, 'No event of this tenant has that stream. Check stream and tenant.');
    return { events: events.map(toEventView) };
  }
}
