import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import type { LogReader } from '@millrace/kernel';
import { Closing, CONFIG, consumersController, EventTransport, LOGGER, METRICS, openEventStore, Readiness, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
import { DuckdbModule } from '../duckdb/duckdb.module.ts';
import { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { Lake } from '../lake/lake.ts';
import type { WarehouseConfig } from '../warehouse.config.ts';
import { loadConsumer } from './load.consumer.ts';

/** Injects the `LogReader` of the event database. */
export const EVENT_LOG = Symbol('warehouse.event-log');

const openEventLog = (config: WarehouseConfig, closing: Closing, readiness: Readiness): LogReader => openEventStore(config, { service: 'warehouse', closing, readiness });

@Module({
  imports: [DuckdbModule],
  controllers: [consumersController('warehouse')],
  providers: [
    { provide: EVENT_LOG, inject: [CONFIG, Closing, Readiness], useFactory: openEventLog },
    {
      provide: EventTransport,
      inject: [WarehouseDatabase, Lake, EVENT_LOG, BusLink, LOGGER, METRICS],
      useFactory: (database: WarehouseDatabase, lake: Lake, reader: LogReader, link: BusLink, logger: Logger, metrics: Registry): EventTransport =>
        loadConsumer({ database, lake, reader, link, logger, metrics }),
    },
  ],
})
export class LoadModule {}
