import { DomainError } from '@millrace/kernel';
import { Client } from 'pg';
import { scramVerifier } from './scram-verifier.ts';

export interface LoginRole {
  readonly name: string;
  readonly password: string;
}

/** Runs `work` over one connection; a server that can't be reached becomes one clear error. */
export const withAdmin = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'millrace-supervisor' });
  client.on('error', () => undefined); // a server that goes away is seen by the query that was running
  try {
    await client.connect();
  } catch (error) {
    throw new DomainError('unavailable', 'postgres-unreachable', { host: new URL(url).host },
      `Postgres at ${new URL(url).host} can't be reached or refuses the login (${(error as Error).message})`);
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** Statements that take no parameters are put together by the server itself, which knows how to quote. */
const runFormatted = async (client: Client, pattern: string, values: readonly string[]): Promise<void> => {
  const slots = values.map((_, index) => `$${index + 2}::text`).join(', ');
  const { rows } = await client.query<{ sql: string }>(`select format($1, ${slots}) as sql`, [pattern, ...values]);
  await client.query(rows[0]!.sql);
};

/** Makes the roles or gives them their password again. Idempotent. */
export const ensureRoles = async (adminUrl: string, roles: readonly LoginRole[]): Promise<void> => withAdmin(adminUrl, async (client) => {
  for (const { name, password } of roles) {
    const found = await client.query('select 1 from pg_roles where rolname = $1', [name]);
    if (found.rowCount === 0) await runFormatted(client, 'create role %I', [name]);
    await runFormatted(client, 'alter role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password %L', [name, scramVerifier(password)]);
  }
});

/** Of roles that are there: nobody logs in with one any more. Idempotent. */
export const forbidLogin = async (adminUrl: string, roles: readonly string[]): Promise<void> => withAdmin(adminUrl, async (client) => {
  const { rows } = await client.query<{ name: string }>('select rolname as name from pg_roles where rolcanlogin and rolname = any($1)', [roles]);
  for (const { name } of rows) await runFormatted(client, 'alter role %I nologin', [name]);
});

/** The databases that every server comes with hold nothing, and everybody may log in to them and fill the disk. Only for a server of our own. */
export const closeOwnServer = async (adminUrl: string): Promise<void> => withAdmin(adminUrl, async (client) => {
  for (const database of ['postgres', 'template1']) await runFormatted(client, 'revoke connect, temporary on database %I from public', [database]);
});

/** Large objects are kept beside all tables, and everybody may make them unless these are taken away, in each database by itself. */
const LARGE_OBJECT_WRITERS = ['lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_open', 'lo_put', 'lowrite'];

const refuseLargeObjects = async (adminUrl: string, database: string): Promise<void> => withAdmin(urlFor(adminUrl, database), async (client) => {
  const { rows } = await client.query<{ sql: string }>(`select format('revoke execute on function %s from public', p.oid::regprocedure) as sql
    from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any($1) and granted.grantee = 0`, [LARGE_OBJECT_WRITERS]);
  for (const { sql } of rows) await client.query(sql);
});

/** Makes a database that only its owner (and superusers) may connect to, and where nobody keeps large objects. Idempotent. */
export const ensureDatabase = async (adminUrl: string, database: string, owner?: string): Promise<void> => {
  await makeDatabase(adminUrl, database, owner);
  await refuseLargeObjects(adminUrl, database);
};

const makeDatabase = async (adminUrl: string, database: string, owner: string | undefined): Promise<void> => withAdmin(adminUrl, async (client) => {
  const found = await client.query('select 1 from pg_database where datname = $1', [database]);
  if (found.rowCount === 0) await runFormatted(client, 'create database %I encoding %L template template0', [database, 'UTF8']);
  await runFormatted(client, 'revoke all on database %I from public', [database]);
  if (owner !== undefined) await runFormatted(client, 'alter database %I owner to %I', [database, owner]);
});

export const allowConnect = async (adminUrl: string, database: string, roles: readonly string[]): Promise<void> => withAdmin(adminUrl, async (client) => {
  for (const role of roles) await runFormatted(client, 'grant connect on database %I to %I', [database, role]);
});

/** The same server and login, another database and perhaps another role. */
export const urlFor = (adminUrl: string, database: string, role?: LoginRole): string => {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  if (role !== undefined) {
    url.username = encodeURIComponent(role.name);
    url.password = encodeURIComponent(role.password);
  }
  return url.href;
};

/** For printing: without the login. */
export const addressOf = (url: string): string => {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
};

export const answersQueries = (adminUrl: string): Promise<boolean> => withAdmin(adminUrl, (client) => client.query('select 1')).then(() => true, () => false);
