import { PgEventStore } from '@millrace/event-store';
import type { Closing } from './closing.ts';
import { clockOf } from './drill-clock.ts';
import type { Readiness } from './readiness.ts';

/** The settings it takes: `shared.eventsUrl` and `shared.segmentsDir`. */
export interface EventDatabaseConfig {
  readonly eventsUrl: string;
  readonly segmentsDir: string | undefined;
  readonly clockOffsetMs?: number | undefined;
}

export interface EventDatabaseUse {
  /** The service, as shown in pg_stat_activity. */
  readonly service: string;
  readonly closing: Closing;
  readonly readiness: Readiness;
  /** Connections at most; the store's own number unless told. */
  readonly poolSize?: number;
}

/**
 * The event store as a service uses it: with its own role and the folder of segments, ready when the heads of logs can be read, closed with
 * the service after what was added to `closing` later. Opens no connection yet.
 */
export const openEventStore = (config: EventDatabaseConfig, { service, closing, readiness, poolSize }: EventDatabaseUse): PgEventStore => {
  const store = PgEventStore.connect({ url: config.eventsUrl, applicationName: service, poolSize, segmentsDir: config.segmentsDir, clock: clockOf(config) });
  readiness.add('events', () => store.heads());
  closing.add('events', () => store.close());
  return store;
};
