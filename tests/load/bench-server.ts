import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from '@millrace/embedded';
import { Client } from 'pg';

/** Server settings of a measurement besides Postgres' defaults; ours and every peer run under the same. fsync and full_page_writes are on. */
export const SERVER_SETTINGS = { shared_buffers: '256MB', max_wal_size: '4GB' } as const;

export interface BenchServer {
  /** Of the superuser, to a database of this name. */
  url(database: string): string;
  /** Makes an empty database and returns its URL. */
  database(name: string): Promise<string>;
}

/** Runs `work` with a fresh embedded Postgres that is stopped and removed afterwards. */
export const withServer = async <T>(work: (server: BenchServer) => Promise<T>, settings: Readonly<Record<string, string>> = SERVER_SETTINGS): Promise<T> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const password = randomBytes(16).toString('hex');
  const server = await startPostgresServer({ dataDir: join(dir, 'data'), superuserPassword: password, settings });
  const url = (database: string): string => server.url(database, 'postgres', password);
  try {
    return await work({
      url,
      database: async (name) => {
        const client = new Client({ connectionString: url('postgres') });
        await client.connect();
        try {
          await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
        } finally {
          await client.end();
        }
        return url(name);
      },
    });
  } finally {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
};
