import type { Projection } from '@millrace/event-sourcing';
import type { EntityManager } from 'typeorm';
import { insertFacts } from './fact-insert.ts';
import { BILLING_TYPES, salesFactOf } from './sales-facts.projection.ts';

/** The read model behind all sales metrics: facts, rollup and buyers, moved together. */
export const salesFacts: Projection<EntityManager> = {
  name: 'sales-facts',
  version: 1,
  types: BILLING_TYPES,
  async apply(manager, events) {
    const [first] = events;
    if (first === undefined) return;
    await insertFacts(manager, first.stored.log, events.flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []));
  },
};
