import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedClock, type StoredEvent } from '@millrace/kernel';
import { WarehouseDatabase } from './duckdb/warehouse-database.ts';
import { Lake } from './lake/lake.ts';
import { LogLoader } from './load/log-loader.ts';
import { QueryPool, type QueryPoolOptions } from './query/query-pool.ts';
import { WarehouseQuery, type WarehouseAnswer } from './query/warehouse.query.ts';
import { batchOf, storedLogs, type SampleEvent } from './sample-log.ts';
import { SnapshotPublisher } from './snapshot/snapshot-publisher.ts';

const POOL: QueryPoolOptions = { timeoutMs: 20_000, processes: 2, maxWaiting: 4, maxResidentBytes: 512 * 1024 * 1024, idleMs: 60_000 };

/** The service's parts over a folder, without HTTP and bus: for specs. */
export class SampleWarehouse {
  private constructor(
    readonly dir: string, readonly database: WarehouseDatabase, readonly lake: Lake, readonly loader: LogLoader, readonly publisher: SnapshotPublisher, readonly pool: QueryPool,
    private readonly query: WarehouseQuery,
  ) {}

  static async open(dir?: string, pool: Partial<QueryPoolOptions> = {}): Promise<SampleWarehouse> {
    const folder = dir ?? (await mkdtemp(join(tmpdir(), 'millrace-warehouse-')));
    const database = await WarehouseDatabase.open(folder);
    const lake = new Lake(folder);
    await database.exclusively((connection) => lake.removeOrphans(connection));
    const publisher = new SnapshotPublisher(database, folder, fixedClock('2026-03-01T00:00:00Z'));
    await publisher.removeOrphans();
    const queries = new QueryPool({ ...POOL, ...pool });
    return new SampleWarehouse(folder, database, lake, new LogLoader({ database, lake, onMergeFailure: (error) => { throw error; } }), publisher, queries, new WarehouseQuery(publisher, queries));
  }

  /** Loads whole logs one after the other, in batches of `size`. */
  async load(tenant: string, events: Iterable<SampleEvent>, size = 500): Promise<void> {
    for (const stored of storedLogs(tenant, events).values()) await this.loadLog(stored, size);
  }

  async loadLog(stored: readonly StoredEvent[], size = 500): Promise<void> {
    for (let start = 0; start < stored.length; start += size) await this.loader.apply(batchOf(stored.slice(start, start + size)));
  }

  ask(sql: string, tenant = 'shop', maxRows = 10_000): Promise<WarehouseAnswer> {
    return this.query.answer({ tenant, sql, maxRows });
  }

  async rows(sql: string, tenant = 'shop'): Promise<WarehouseAnswer['rows']> {
    return (await this.ask(sql, tenant)).rows;
  }

  async close(): Promise<void> {
    await this.pool.close();
    await this.database.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
