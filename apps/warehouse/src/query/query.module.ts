import { Module } from '@nestjs/common';
import type { Clock } from '@millrace/kernel';
import { CLOCK, Closing, CONFIG, durations, METRICS } from '@millrace/service-kit';
import { Gauge, type Registry } from 'prom-client';
import { DuckdbModule } from '../duckdb/duckdb.module.ts';
import { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { SnapshotPublisher } from '../snapshot/snapshot-publisher.ts';
import type { WarehouseConfig } from '../warehouse.config.ts';
import { QueryController } from './query.controller.ts';
import { QueryPool } from './query-pool.ts';
import { WarehouseQuery } from './warehouse.query.ts';

/** DuckDB's own limit is half of this; the rest is Node and the result. */
const MOST_RESIDENT_BYTES = 512 * 1024 * 1024;
const MOST_WAITING = 16;
/** On a busy machine. Whoever waits outlasts one query that takes all its time, and the start of its process. */
const START_MS = 5_000;
/** Long enough to serve somebody who explores, short enough that nobody's memory is held over lunch. */
const IDLE_MS = 60_000;

const poolOf = ({ queryTimeoutMs, queryProcesses }: WarehouseConfig, closing: Closing, metrics: Registry): QueryPool => {
  const pool = new QueryPool({ timeoutMs: queryTimeoutMs, processes: queryProcesses, maxResidentBytes: MOST_RESIDENT_BYTES, maxWaiting: MOST_WAITING, waitMs: queryTimeoutMs + START_MS, idleMs: IDLE_MS });
  closing.add('query processes', () => pool.close());
  new Gauge({ name: 'millrace_warehouse_queries', help: 'Queries by state', labelNames: ['state'], registers: [metrics], collect() { this.set({ state: 'running' }, pool.standing.busy); this.set({ state: 'waiting' }, pool.standing.waiting); } });
  return pool;
};

const publisherOf = async ({ dataDir }: WarehouseConfig, database: WarehouseDatabase, clock: Clock): Promise<SnapshotPublisher> => {
  const publisher = new SnapshotPublisher(database, dataDir, clock);
  await publisher.removeOrphans();
  return publisher;
};

const queryOf = (publisher: SnapshotPublisher, pool: QueryPool, metrics: Registry): WarehouseQuery =>
  new WarehouseQuery(publisher, pool, durations(metrics, 'millrace_warehouse_query_duration_seconds', 'Time from a question to its answer, the wait for a process included', []));

@Module({
  imports: [DuckdbModule],
  controllers: [QueryController],
  providers: [
    { provide: QueryPool, inject: [CONFIG, Closing, METRICS], useFactory: poolOf },
    { provide: SnapshotPublisher, inject: [CONFIG, WarehouseDatabase, CLOCK], useFactory: publisherOf },
    { provide: WarehouseQuery, inject: [SnapshotPublisher, QueryPool, METRICS], useFactory: queryOf },
  ],
})
export class QueryModule {}
