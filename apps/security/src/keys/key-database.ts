import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { KeyTables1763900000000 } from './key-tables.migration.ts';

// Requests come batched: a few connections keep the key database busy.
const CONNECTIONS = 8;
const CONNECT_WITHIN_MS = 5_000;
/** A key request is asked for with a deadline of seconds: a statement that takes longer answers nobody. */
const STATEMENT_TIMEOUT_MS = 4_000;

const migrate = async (url: string): Promise<void> => {
  const database = await new DataSource({
    type: 'postgres', url, entities: [], migrations: [KeyTables1763900000000], synchronize: false, logging: false, installExtensions: false, applicationName: 'security-migrations',
  }).initialize();
  try {
    await database.runMigrations({ transaction: 'all' });
  } finally {
    await database.destroy();
  }
};

/** Brings the key database's tables up to date and opens it. `onError` hears of idle connections that break. */
export const openKeyDatabase = async (url: string, onError: (error: Error) => void): Promise<Pool> => {
  await migrate(url);
  const pool = new Pool({
    connectionString: url, max: CONNECTIONS, connectionTimeoutMillis: CONNECT_WITHIN_MS, statement_timeout: STATEMENT_TIMEOUT_MS, application_name: 'security',
  });
  pool.on('error', onError);
  return pool;
};
