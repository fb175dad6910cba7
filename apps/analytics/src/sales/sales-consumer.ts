import type { BusLink } from '@millrace/event-bus';
import { ProjectionBuilds, type Switched } from '@millrace/event-sourcing';
import { logName, type LogReader } from '@millrace/kernel';
import { EventTransport, type Logger } from '@millrace/service-kit';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DataSource, EntityManager } from 'typeorm';
import { CONSUMER } from '../checkpoint/consumer-name.ts';
import type { KpiHub } from '../live/kpi-hub.ts';
import { SALES_VERSIONS, salesFacts } from './sales-facts.ts';

/** As `reads` in service.yaml. */
const CONTEXTS = ['sales'];
/** One statement takes them all: under lag its round trips and its commit are spread over more events. */
const BATCH_EVENTS = 2_000;

interface SalesBuildsParts {
  readonly database: DataSource;
  readonly aside: DataSource;
  readonly reader: LogReader;
  readonly hub: KpiHub;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly announce?: (switched: Switched) => Promise<void>;
}

/** The service's read models. Screens hear of what is committed to the active build, and of no other. */
export const salesBuilds = ({ database, aside, reader, hub, logger, metrics, announce }: SalesBuildsParts): ProjectionBuilds<EntityManager> => {
  const applied = new Counter({ name: 'analytics_events_applied_total', help: 'Events applied or passed over, per log', labelNames: ['tenant', 'log'], registers: [metrics] });
  return new ProjectionBuilds<EntityManager>({
    live: database, aside, reader, projections: SALES_VERSIONS, ...(announce ? { announce } : {}),
    committed: ({ log, events }) => {
      applied.inc({ tenant: log.tenant, log: logName(log) }, events.length);
      if (events.some((event) => salesFacts.types.includes(event.envelope.type))) hub.changed(log.tenant);
    },
    onError: (error) => logger.warn({ err: error }, 'a build or the fact of a switch will be tried again'),
  });
};

interface SalesConsumerParts {
  readonly builds: ProjectionBuilds<EntityManager>;
  readonly reader: LogReader;
  readonly link: BusLink;
  readonly instance: number;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Measured at the scrape: events committed to a log and not yet applied here. */
const measureLag = (transport: EventTransport, reader: LogReader, metrics: Registry): void => {
  const lags = async (): Promise<{ tenant: string; log: string; lag: number }[]> => {
    const positions = new Map(transport.standing().map(({ tenant, log, position }) => [`${tenant} ${log}`, position]));
    return (await reader.heads()).filter((head) => CONTEXTS.includes(head.context))
      .map((head) => ({ tenant: head.tenant, log: logName(head), lag: head.position - (positions.get(`${head.tenant} ${logName(head)}`) ?? 0) }));
  };
  new Gauge({
    name: 'analytics_lag_events', help: 'Events committed to a log and not yet applied', labelNames: ['tenant', 'log'], registers: [metrics],
    async collect() {
      this.reset();
      // Without the event database there is no head to compare with; /ready says that it is away, and the other metrics must still be printed.
      for (const { tenant, log, lag } of await lags().catch(() => [])) this.set({ tenant, log }, lag);
    },
  });
};

/** One ordered loop per sales log: facts, rollup and checkpoint in one transaction. */
export const salesConsumer = ({ builds, reader, link, instance, logger, metrics }: SalesConsumerParts): EventTransport => {
  const transport = new EventTransport({ service: CONSUMER, instance, contexts: CONTEXTS, reader, link, logger, metrics, batchEvents: BATCH_EVENTS, handler: () => builds.handler() });
  measureLag(transport, reader, metrics);
  return transport;
};
