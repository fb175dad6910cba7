import type { VersionedProjection } from '@millrace/event-sourcing';
import type { EntityManager } from 'typeorm';
import { insertFacts } from './fact-insert.ts';
import { removeFacts } from './fact-removal.ts';
import { SALES_TABLES } from './sales-tables.ts';
import { BILLING_TYPES, salesFactOf } from './sales-facts.projection.ts';

/** The read model behind all sales metrics: facts, rollup and buyers, moved together. */
export const salesFacts: VersionedProjection<EntityManager> = {
  name: 'sales-facts',
  version: 2,
  contexts: ['sales'],
  types: BILLING_TYPES,
  tables: SALES_TABLES,
  reset: removeFacts,
  async apply(manager, events) {
    const [first] = events;
    if (first === undefined) return;
    await insertFacts(manager, first.stored.log, events.flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []));
  },
};

/**
 * Every version a build may be of. Version 1 kept no reasons; its builds have the same tables since the migration and take events by the same rule, but
 * what they had before is without reasons until a rebuild and a switch.
 */
export const SALES_VERSIONS: readonly VersionedProjection<EntityManager>[] = [{ ...salesFacts, version: 1 }, salesFacts];
