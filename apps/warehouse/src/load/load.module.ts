import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import type { LogReader } from '@millrace/kernel';
import { Closing, CONFIG, consumersController, EventTransport, LOGGER, METRICS, openEventStore, PARKED, ParkedController, PROJECTIONS, ProjectionsController, Readiness, recordDiscard, recordSwitch, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
import { DuckdbModule } from '../duckdb/duckdb.module.ts';
import { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { Lake } from '../lake/lake.ts';
import type { WarehouseConfig } from '../warehouse.config.ts';
import { loadConsumer } from './load.consumer.ts';
import { StarBuilds } from './star-builds.ts';
import { StarParked } from './star-parked.ts';

/** Injects the `LogReader` of the event database. */
export const EVENT_LOG = Symbol('warehouse.event-log');

const openEventLog = (config: WarehouseConfig, closing: Closing, readiness: Readiness): LogReader => openEventStore(config, { service: 'warehouse', closing, readiness });

const buildsOf = (database: WarehouseDatabase, reader: LogReader, link: BusLink, logger: Logger, closing: Closing): StarBuilds => {
  const builds = new StarBuilds({ database, reader, announce: recordSwitch(link, 'warehouse'), onError: (error) => logger.warn({ err: error }, 'a build or the fact of a switch will be tried again') });
  builds.start();
  closing.add('builds', () => builds.stop());
  return builds;
};

@Module({
  imports: [DuckdbModule],
  controllers: [consumersController('warehouse'), ProjectionsController, ParkedController],
  providers: [
    { provide: EVENT_LOG, inject: [CONFIG, Closing, Readiness], useFactory: openEventLog },
    { provide: PROJECTIONS, inject: [WarehouseDatabase, EVENT_LOG, BusLink, LOGGER, Closing], useFactory: buildsOf },
    {
      provide: PARKED,
      inject: [WarehouseDatabase, EVENT_LOG, PROJECTIONS, BusLink],
      useFactory: (database: WarehouseDatabase, reader: LogReader, builds: StarBuilds, link: BusLink): StarParked => new StarParked({ database, reader, builds, record: recordDiscard(link, 'warehouse') }),
    },
    {
      provide: EventTransport,
      inject: [WarehouseDatabase, Lake, EVENT_LOG, BusLink, LOGGER, METRICS],
      useFactory: (database: WarehouseDatabase, lake: Lake, reader: LogReader, link: BusLink, logger: Logger, metrics: Registry): EventTransport =>
        loadConsumer({ database, lake, reader, link, logger, metrics }),
    },
  ],
})
export class LoadModule {}
