import type { Registry } from 'prom-client';
import { PgEventStore } from '@millrace/event-store';
import type { Closing } from './closing.ts';
import { clockOf } from './drill-clock.ts';
import { durations } from './durations.ts';
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
  /** Where appends are timed. */
  readonly metrics?: Registry;
  /** Connections at most; the store's own number unless told. */
  readonly poolSize?: number;
}

/** Both doors to the log: a caller's events, and those that a thread prepared. */
const timeAppends = (store: PgEventStore, registry: Registry): void => {
  const measure = durations(registry, 'millrace_append_duration_seconds', 'Time from events to their commit in a log', ['context']);
  const [append, appendPrepared] = [store.append.bind(store), store.appendPrepared.bind(store)];
  store.append = (log, ...rest) => measure({ context: log.context }, () => append(log, ...rest));
  store.appendPrepared = (tenant, context, units) => measure({ context }, () => appendPrepared(tenant, context, units));
};

/**
 * The event store as a service uses it: with its own role and the folder of segments, ready when the heads of logs can be read, closed with
 * the service after what was added to `closing` later. Opens no connection yet.
 */
export const openEventStore = (config: EventDatabaseConfig, { service, closing, readiness, poolSize, metrics }: EventDatabaseUse): PgEventStore => {
  const store = PgEventStore.connect({ url: config.eventsUrl, applicationName: service, poolSize, segmentsDir: config.segmentsDir, clock: clockOf(config) });
  if (metrics) timeAppends(store, metrics);
  readiness.add('events', () => store.heads());
  closing.add('events', () => store.close());
  return store;
};
