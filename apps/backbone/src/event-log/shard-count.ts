import type { FactLog } from '@millrace/event-sourcing';
import type { LogShards, PgEventStore } from '@millrace/event-store';
import { BUSINESS_CONTEXTS, DomainError, logName, type Context, type Tenant } from '@millrace/kernel';

/** A context's logs: how many there may be, and how far each has come that has events. */
export interface ShardStanding extends LogShards {
  readonly logs: readonly { readonly log: string; readonly head: number }[];
}

/** Shows and raises the count of a context's logs. */
export class ShardCount {
  constructor(private readonly store: PgEventStore, private readonly facts: FactLog) {}

  async show(tenant: Tenant, context: Context): Promise<ShardStanding> {
    const [shards, heads] = await Promise.all([this.store.logShards(tenant, context), this.store.heads(tenant)]);
    return { ...shards, logs: heads.filter((head) => head.context === context).map((head) => ({ log: logName(head), head: head.position })) };
  }

  /**
   * Raises the count and then tells of it in the tenant's backbone/0 log; asked for again, after a lost answer or a crash in between, it tells
   * what was left untold, and nothing twice. DomainError `invalid` (`shards-fixed`, `shards-out-of-range`), `conflict` (`shards-only-grow`).
   */
  async raise(tenant: Tenant, context: Context, count: number): Promise<ShardStanding> {
    if (!BUSINESS_CONTEXTS.includes(context)) {
      throw new DomainError('invalid', 'shards-fixed', { context }, `The platform's own facts stand in one log, in one order: ${context} keeps one. Raise a business context: ${BUSINESS_CONTEXTS.join(', ')}.`);
    }
    const { shards, shardsBefore, raisedAt } = await this.store.raiseShards(tenant, context, count);
    if (raisedAt !== undefined) {
      await this.facts.record({ tenant, id: `shards-raised/${context}/${shards}`, contract: 'backbone.log.shards-raised', data: { context, from: shardsBefore, to: shards }, time: raisedAt });
    }
    return this.show(tenant, context);
  }
}
