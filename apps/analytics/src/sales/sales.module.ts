import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import type { LogReader } from '@millrace/kernel';
import { Closing, CONFIG, consumersController, EventTransport, LOGGER, METRICS, Readiness, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { AnalyticsDatabaseModule } from '../analytics-database.module.ts';
import { DATABASE } from '../injection-tokens.ts';
import { KpiHub } from '../live/kpi-hub.ts';
import { LiveModule } from '../live/live.module.ts';
import { EVENT_LOG, openEventLog } from './event-log.ts';
import { salesConsumer } from './sales-consumer.ts';

@Module({
  imports: [AnalyticsDatabaseModule, LiveModule],
  controllers: [consumersController('analytics')],
  providers: [
    { provide: EVENT_LOG, inject: [CONFIG, Closing, Readiness], useFactory: openEventLog },
    {
      provide: EventTransport,
      inject: [DATABASE, EVENT_LOG, BusLink, KpiHub, LOGGER, METRICS],
      useFactory: (database: DataSource, reader: LogReader, link: BusLink, hub: KpiHub, logger: Logger, metrics: Registry): EventTransport =>
        salesConsumer({ database, reader, link, hub, logger, metrics }),
    },
  ],
})
export class SalesModule {}
