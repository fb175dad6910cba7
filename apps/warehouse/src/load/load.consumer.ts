import type { BusLink } from '@millrace/event-bus';
import type { LogReader } from '@millrace/kernel';
import { EventTransport, type Logger } from '@millrace/service-kit';
import { Counter, type Registry } from 'prom-client';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import type { Lake } from '../lake/lake.ts';
import { BLOCK } from '../lake/position-range.rule.ts';
import { LogLoader } from './log-loader.ts';

/** As `reads` in service.yaml: all of them go to the lake, three of them to the star; security's names what is redacted. */
export const CONTEXTS = ['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'security'];

/** A block of the lake: under load a transaction, its file and their syncs, some 50 ms of work, are spread over thousands of events. */
const BATCH_EVENTS = BLOCK;
/** Least time between the beginnings of two batches of a log: bounds what files and transactions cost, and adds no more than this to what a query sees. */
const GATHER_MS = 1_000;

export interface LoadParts {
  readonly database: WarehouseDatabase;
  readonly lake: Lake;
  readonly reader: LogReader;
  readonly link: BusLink;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** One ordered loop per log: raw events, facts and load position. */
export const loadConsumer = ({ database, lake, reader, link, logger, metrics }: LoadParts): EventTransport => {
  const redacted = new Counter({ name: 'millrace_warehouse_events_redacted_total', help: 'Events taken out of lake and star because a fact of redaction names them, per tenant', labelNames: ['tenant'], registers: [metrics] });
  return new EventTransport({
    service: 'warehouse', contexts: CONTEXTS, reader, link, logger, metrics, batchEvents: BATCH_EVENTS, gatherMs: GATHER_MS,
    // The star is loaded by the batch, not by handler methods, so the transport's own projection has nothing to do.
    handler: () => new LogLoader({
      database, lake,
      redacted: ({ tenant }, events) => redacted.inc({ tenant }, events),
      onMergeFailure: (error) => logger.warn({ err: error }, 'lake files could not be merged; the next batch tries again'),
    }),
  });
};
