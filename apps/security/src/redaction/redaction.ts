import type { FactLog } from '@millrace/event-sourcing';
import type { EventStore } from '@millrace/event-store';
import { DomainError, type Context, type Position, type Tenant } from '@millrace/kernel';

export interface RedactionRequest {
  readonly tenant: Tenant;
  readonly eventId: string;
  /** Stands in the fact for ever: what was found and who asked, never the personal data itself. */
  readonly reason: string;
}

/** The fact that allows a redaction: `millrace.redact_event` does nothing without it. */
export interface RedactionOrder {
  readonly factId: string;
  readonly context: Context;
  readonly shard: number;
  readonly position: Position;
}

/**
 * Says in the security log, fsynced, that an event's data is to give way to its digest; the taking away is the redactor's, after this. Asked
 * again it answers the same. DomainError `not-found` (`event-unknown`), `conflict` (`fact-id-reused`: told before with another reason;
 * `redaction-of-redaction`).
 */
export class Redaction {
  constructor(private readonly store: Pick<EventStore, 'findEvents'>, private readonly facts: FactLog) {}

  async order({ tenant, eventId, reason }: RedactionRequest): Promise<RedactionOrder> {
    const [known] = await this.store.findEvents(tenant, [eventId]);
    if (known === undefined) throw new DomainError('not-found', 'event-unknown', {}, 'No event of this tenant has that id. Check id and tenant.');
    const { log: { context, shard }, position } = known;
    if (context === 'security') throw new DomainError('conflict', 'redaction-of-redaction', {}, 'The security log holds no personal data, and is what redactions are proven by: its events stay.');
    const factId = `redacted/${context}/${shard}/${position}`;
    await this.facts.record({ tenant, id: factId, contract: 'security.event.redacted', data: { context, shard, position, eventId, reason } });
    return { factId, context, shard, position };
  }
}
