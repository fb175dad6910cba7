import { Module } from '@nestjs/common';
import { Closing, CONFIG, LOGGER, Readiness, type Logger } from '@millrace/service-kit';
import { Lake } from '../lake/lake.ts';
import type { WarehouseConfig } from '../warehouse.config.ts';
import { WarehouseDatabase } from './warehouse-database.ts';

const open = async ({ dataDir }: WarehouseConfig, closing: Closing, readiness: Readiness): Promise<WarehouseDatabase> => {
  const database = await WarehouseDatabase.open(dataDir);
  readiness.add('duckdb', () => database.ping());
  closing.add('duckdb', () => database.close());
  return database;
};

const lakeOf = async ({ dataDir }: WarehouseConfig, database: WarehouseDatabase, logger: Logger): Promise<Lake> => {
  const lake = new Lake(dataDir);
  const removed = await database.exclusively((connection) => lake.removeOrphans(connection));
  if (removed > 0) logger.info({ removed }, 'removed lake files that no manifest names');
  return lake;
};

@Module({
  providers: [
    { provide: WarehouseDatabase, inject: [CONFIG, Closing, Readiness], useFactory: open },
    { provide: Lake, inject: [CONFIG, WarehouseDatabase, LOGGER], useFactory: lakeOf },
  ],
  exports: [WarehouseDatabase, Lake],
})
export class DuckdbModule {}
