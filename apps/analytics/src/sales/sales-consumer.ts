import type { BusLink } from '@millrace/event-bus';
import { ProjectionBuilds, type Switched } from '@millrace/event-sourcing';
import type { LogReader } from '@millrace/kernel';
import { EventTransport, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
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
  readonly announce?: (switched: Switched) => Promise<void>;
}

/** The service's read models. Screens hear of what is committed to the active build, and of no other. */
export const salesBuilds = ({ database, aside, reader, hub, logger, announce }: SalesBuildsParts): ProjectionBuilds<EntityManager> =>
  new ProjectionBuilds<EntityManager>({
    live: database, aside, reader, projections: SALES_VERSIONS, ...(announce ? { announce } : {}),
    committed: ({ log, events }) => {
      if (events.some((event) => salesFacts.types.includes(event.envelope.type))) hub.changed(log.tenant);
    },
    onError: (error) => logger.warn({ err: error }, 'a build or the fact of a switch will be tried again'),
  });

interface SalesConsumerParts {
  readonly builds: ProjectionBuilds<EntityManager>;
  readonly reader: LogReader;
  readonly link: BusLink;
  readonly instance: number;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** One ordered loop per sales log: facts, rollup and checkpoint in one transaction. */
export const salesConsumer = ({ builds, reader, link, instance, logger, metrics }: SalesConsumerParts): EventTransport =>
  new EventTransport({ service: CONSUMER, instance, contexts: CONTEXTS, reader, link, logger, metrics, batchEvents: BATCH_EVENTS, handler: () => builds.handler() });
