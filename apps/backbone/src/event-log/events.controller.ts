import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { DomainError } from '@millrace/kernel';
import { toEventView, type EventView } from './event-view.ts';
import { parseEventId, requiredTenant } from './parameters.ts';

@Controller('v1/events')
export class EventsController {
  constructor(@Inject(PgEventStore) private readonly store: PgEventStore) {}

  @Get(':id')
  async event(@Param('id') id: string, @Query() query: unknown): Promise<EventView> {
    const found = await this.store.findEvent(requiredTenant(query), parseEventId(id));
    if (found) return toEventView(found);
    throw new DomainError('not-found', 'event-unknown', {}, 'No event of this tenant has that id. Check id and tenant.');
  }
}
