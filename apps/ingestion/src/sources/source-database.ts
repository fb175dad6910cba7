import { DataSource } from 'typeorm';
import { SourceKeys1763900000000 } from '../migrations/1763900000000-source-keys.migration.ts';
import { SourceKey } from './source-key.entity.ts';

/** As every service of ours waits for its database at the start. A request waits less: see SourceKeys. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Gives a connection back that was taken for a statement whose server hangs. */
const QUERY_TIMEOUT_MS = 10_000;

/** Opens ingestion's own database and brings its tables up to date. */
export const openSourceDatabase = async (url: string): Promise<DataSource> => {
  const database = await new DataSource({
    type: 'postgres', url, entities: [SourceKey], migrations: [SourceKeys1763900000000],
    synchronize: false, migrationsRun: false, logging: false, installExtensions: false, uuidExtension: 'pgcrypto', applicationName: 'ingestion',
    extra: { max: 4, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS },
  }).initialize();
  await database.runMigrations({ transaction: 'all' });
  return database;
};
