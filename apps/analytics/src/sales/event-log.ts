import { PgEventStore } from '@millrace/event-store';
import type { LogReader } from '@millrace/kernel';
import type { Closing, Readiness } from '@millrace/service-kit';
import type { AnalyticsConfig } from '../analytics.config.ts';

/** Injects the `LogReader` of the event database. */
export const EVENT_LOG = Symbol('analytics.event-log');

export const openEventLog = (config: AnalyticsConfig, closing: Closing, readiness: Readiness): LogReader => {
  const store = PgEventStore.connect({ url: config.eventsUrl, applicationName: 'analytics' });
  readiness.add('events', () => store.heads());
  closing.add('events', () => store.close());
  return store;
};
