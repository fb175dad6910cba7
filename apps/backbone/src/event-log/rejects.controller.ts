import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { DomainError } from '@millrace/kernel';
import { parseRejectId, requiredTenant } from './parameters.ts';
import { toRejectView, type RejectView } from './reject-view.ts';

@Controller('v1/rejects')
export class RejectsController {
  constructor(@Inject(PgEventStore) private readonly store: PgEventStore) {}

  /** Ingestion lists rejects without their bodies; those only the platform's own operators see, sealed as they are kept. */
  @Get(':id')
  async reject(@Param('id') id: string, @Query() query: unknown): Promise<RejectView> {
    const found = await this.store.rejectBodies(requiredTenant(query), parseRejectId(id));
    if (found) return toRejectView(id, found);
    throw new DomainError('not-found', 'reject-unknown', {}, 'No reject of this tenant has that id: `millrace rejects list` names them.');
  }
}
