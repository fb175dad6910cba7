import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import type { LogReader } from '@millrace/kernel';
import { Closing, CONFIG, consumersController, EventTransport, LOGGER, METRICS, Readiness, type Logger } from '@millrace/service-kit';
import type { Registry } from 'prom-client';
import { DuckdbModule } from '../duckdb/duckdb.module.ts';
import { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { Lake } from '../lake/lake.ts';
import type { WarehouseConfig } from '../warehouse.config.ts';
import { loadConsumer } from './load.consumer.ts';

/** Injects the `LogReader` of the event database. */
export const EVENT_LOG = Symbol('warehouse.event-log');

const openEventLog = ({ eventsUrl }: WarehouseConfig, closing: Closing, readiness: Readiness): LogReader => {
  const store = PgEventStore.connect({ url: eventsUrl, applicationName: 'warehouse' });
  readiness.add('events', () => store.heads());
  closing.add('events', () => store.close());
  return store;
};

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
