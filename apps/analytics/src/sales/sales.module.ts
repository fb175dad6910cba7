import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import { ParkedEventOperations, ProjectionBuilds } from '@millrace/event-sourcing';
import type { LogReader } from '@millrace/kernel';
import { Closing, CONFIG, consumersController, EventTransport, LOGGER, METRICS, PARKED, ParkedController, PROJECTIONS, ProjectionsController, Readiness, recordDiscard, recordSwitch, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
import type { DataSource, EntityManager } from 'typeorm';
import type { AnalyticsConfig } from '../analytics.config.ts';
import { AnalyticsDatabaseModule } from '../analytics-database.module.ts';
import { CONSUMER } from '../checkpoint/consumer-name.ts';
import { ASIDE, DATABASE } from '../injection-tokens.ts';
import { KpiHub } from '../live/kpi-hub.ts';
import { LiveModule } from '../live/live.module.ts';
import { EVENT_LOG, openEventLog } from './event-log.ts';
import { salesBuilds, salesConsumer } from './sales-consumer.ts';

const buildsOf = async (database: DataSource, aside: DataSource, reader: LogReader, link: BusLink, hub: KpiHub, logger: Logger, closing: Closing): Promise<ProjectionBuilds<EntityManager>> => {
  const builds = salesBuilds({ database, aside, reader, hub, logger, announce: recordSwitch(link, CONSUMER) });
  await builds.start();
  closing.add('builds', () => builds.stop());
  return builds;
};

@Module({
  imports: [AnalyticsDatabaseModule, LiveModule],
  controllers: [consumersController('analytics'), ProjectionsController, ParkedController],
  providers: [
    { provide: EVENT_LOG, inject: [CONFIG, Closing, Readiness], useFactory: openEventLog },
    { provide: PROJECTIONS, inject: [DATABASE, ASIDE, EVENT_LOG, BusLink, KpiHub, LOGGER, Closing], useFactory: buildsOf },
    {
      provide: PARKED,
      inject: [DATABASE, EVENT_LOG, PROJECTIONS, BusLink, KpiHub],
      useFactory: (live: DataSource, reader: LogReader, builds: ProjectionBuilds<EntityManager>, link: BusLink, hub: KpiHub): ParkedEventOperations<EntityManager> =>
        new ParkedEventOperations<EntityManager>({ live, reader, builds, record: recordDiscard(link, CONSUMER), applied: ({ tenant }) => hub.changed(tenant) }),
    },
    {
      provide: EventTransport,
      inject: [PROJECTIONS, EVENT_LOG, BusLink, CONFIG, LOGGER, METRICS],
      useFactory: (builds: ProjectionBuilds<EntityManager>, reader: LogReader, link: BusLink, { instance }: AnalyticsConfig, logger: Logger, metrics: Registry): EventTransport => salesConsumer({ builds, reader, link, instance, logger, metrics }),
    },
  ],
})
export class SalesModule {}
