import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm';
import { ConsumerCheckpoint } from './checkpoint/consumer-checkpoint.entity.ts';
import { ParkedEventRow } from './checkpoint/parked-event.entity.ts';
import { SalesFacts1763900000000 } from './migrations/1763900000000-sales-facts.migration.ts';
import { Buyer } from './sales/buyer.entity.ts';
import { HourlySales } from './sales/hourly-sales.entity.ts';
import { OrderFact } from './sales/order-fact.entity.ts';
import { OrderLineFact } from './sales/order-line-fact.entity.ts';

const databaseOptions = (url: string): DataSourceOptions => ({
  type: 'postgres', url,
  entities: [OrderFact, OrderLineFact, HourlySales, Buyer, ConsumerCheckpoint, ParkedEventRow],
  migrations: [SalesFacts1763900000000],
  synchronize: false, migrationsRun: false, logging: false, installExtensions: false, uuidExtension: 'pgcrypto',
  applicationName: 'analytics',
  // JIT costs more than it saves on queries of some hundred milliseconds.
  extra: { max: 10, options: '-c jit=off' },
});

/** Opens the read-model database and brings its tables up to date. */
export const openAnalyticsDatabase = async (url: string): Promise<DataSource> => {
  const database = await new DataSource(databaseOptions(url)).initialize();
  await database.runMigrations({ transaction: 'all' });
  return database;
};

/** A question may scan half a million lines, never longer than this. */
const STATEMENT_TIMEOUT = `set local statement_timeout = '30s'`;

/** Runs `work` over one snapshot, so that rows and the as-of vector read in it belong together. */
export const readSnapshot = <T>(database: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> =>
  database.transaction('REPEATABLE READ', async (manager) => {
    await manager.query('set transaction read only');
    await manager.query(STATEMENT_TIMEOUT);
    return work(manager);
  });
