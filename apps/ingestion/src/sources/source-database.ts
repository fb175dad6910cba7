import { DataSource } from 'typeorm';
import { SourceKeys1763900000000 } from '../migrations/1763900000000-source-keys.migration.ts';
import { SourceKey } from './source-key.entity.ts';

/** Connecting longer than this is an outage: the cache answers meanwhile. */
const CONNECT_TIMEOUT_MS = 2_000;

/** Opens ingestion's own database and brings its tables up to date. */
export const openSourceDatabase = async (url: string): Promise<DataSource> => {
  const database = await new DataSource({
    type: 'postgres', url, entities: [SourceKey], migrations: [SourceKeys1763900000000],
    synchronize: false, migrationsRun: false, logging: false, installExtensions: false, uuidExtension: 'pgcrypto', applicationName: 'ingestion',
    extra: { max: 4, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
  }).initialize();
  await database.runMigrations({ transaction: 'all' });
  return database;
};
