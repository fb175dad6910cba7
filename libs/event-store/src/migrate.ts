import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { DomainError } from '@millrace/kernel';
import { Client, type ClientBase } from 'pg';

/** The same folder seen from src/ and dist/. */
const SQL = new URL('../sql/', import.meta.url);
/** Any fixed number: keeps two migrations of one database apart. */
const LOCK = 7_400_001;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

const shipped = async (): Promise<Migration[]> => {
  const names = (await readdir(SQL)).filter((name) => /^\d{4}_[a-z_]+\.sql$/.test(name)).toSorted();
  return Promise.all(names.map(async (name) => {
    const sql = await readFile(new URL(name, SQL), 'utf8');
    return { version: Number(name.slice(0, 4)), name, checksum: createHash('sha256').update(sql).digest('hex'), sql };
  }));
};

const refuse = (code: string, message: string, details: Record<string, string | number>): DomainError => new DomainError('conflict', code, details, message);

const check = (applied: readonly { version: number; name: string; checksum: string }[], known: readonly Migration[]): void => {
  for (const { version, name, checksum } of applied) {
    const ours = known.find((migration) => migration.version === version);
    if (ours === undefined) throw refuse('event-schema-newer', `The event database has schema ${name}, newer than this program's ${known.at(-1)?.name}: start a Millrace that knows it.`, { version });
    if (ours.checksum !== checksum) throw refuse('event-schema-edited', `Schema ${name} of the event database differs from this program's file of that name: migrations are never edited, only added.`, { version });
  }
};

const migrateWith = async (client: ClientBase): Promise<number> => {
  const known = await shipped();
  await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS millrace; CREATE TABLE IF NOT EXISTS millrace.migration (
      version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const { rows } = await client.query<{ version: number; name: string; checksum: string }>('SELECT version, name, checksum FROM millrace.migration ORDER BY version');
    check(rows, known);
    const missing = known.filter((migration) => !rows.some((row) => row.version === migration.version));
    for (const { version, name, checksum, sql } of missing) {
      await client.query('BEGIN');
      try {
        await client.query(sql);
        await client.query('INSERT INTO millrace.migration (version, name, checksum) VALUES ($1, $2, $3)', [version, name, checksum]);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      }
    }
    return missing.length;
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
};

/** Runs `work` with a connection of its own when given a connection string, else with the client given. */
export const withOwner = async <T>(owner: string | ClientBase, work: (client: ClientBase) => Promise<T>): Promise<T> => {
  if (typeof owner !== 'string') return work(owner);
  const client = new Client({ connectionString: owner, application_name: 'millrace-owner' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/**
 * Brings the event database to this program's schema, as its owner. Idempotent; concurrent runs wait for each other; each migration is a
 * transaction. Refuses (`event-schema-newer`, `event-schema-edited`, changing nothing) a database made by other files. Returns how many ran.
 */
export const migrateEventStore = (owner: string | ClientBase): Promise<number> => withOwner(owner, migrateWith);
