import type { LogReader } from '@millrace/kernel';
import { openEventStore, type Closing, type Readiness } from '@millrace/service-kit';
import type { AnalyticsConfig } from '../analytics.config.ts';

/** Injects the `LogReader` of the event database. */
export const EVENT_LOG = Symbol('analytics.event-log');

export const openEventLog = (config: AnalyticsConfig, closing: Closing, readiness: Readiness): LogReader =>
  openEventStore(config, { service: 'analytics', closing, readiness });
