import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startNatsServer, startPostgresServer, workingIn, type NatsServer, type PostgresServer } from '@millrace/embedded';
import { Client } from 'pg';
import { eventually } from './eventually.ts';

const needed = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the project's jest.config.mjs needs globalSetup '../../tools/jest-servers-setup.mjs' and its teardown.`);
  return value;
};

/** The run's Postgres, as superuser, with `database` in place of `postgres`. */
export const postgresUrl = (database = 'postgres'): string => {
  const url = new URL(needed('MILLRACE_TEST_POSTGRES_URL'));
  url.pathname = `/${database}`;
  return url.href;
};

/** The run's NATS: open, JetStream on. Tests keep apart by tenant or stream names; for permissions start a server of your own. */
export const natsUrl = (): string => needed('MILLRACE_TEST_NATS_URL');

export const withClient = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const ensureTemplate = (template: string, migrate: (url: string) => Promise<void>): Promise<void> =>
  withClient(postgresUrl(), async (admin) => {
    // Spec files run in parallel processes: one makes the template, the others wait for it.
    await admin.query('select pg_advisory_lock(hashtext($1))', [template]);
    const found = await admin.query('select 1 from pg_database where datname = $1', [template]);
    if (found.rowCount === 0) {
      const scratch = `${template}_making`;
      await admin.query(`drop database if exists ${quoted(scratch)} with (force)`);
      await admin.query(`create database ${quoted(scratch)}`);
      await migrate(postgresUrl(scratch));
      await admin.query(`alter database ${quoted(scratch)} rename to ${quoted(template)}`);
    }
    await admin.query('select pg_advisory_unlock(hashtext($1))', [template]);
  });

export interface TestDatabase {
  readonly name: string;
  /** As superuser. */
  readonly url: string;
  /** The same database as another role. */
  urlAs(role: string, password: string): string;
  drop(): Promise<void>;
}

/**
 * A database of its own for a spec file. With `migrate`, cloned from a template that is migrated once per run; `template` names it
 * (`migrate` must close its connections). Roles are cluster-wide: give them names made with `uniqueName`.
 */
export const freshDatabase = async (options: { template?: string; migrate?: (url: string) => Promise<void> } = {}): Promise<TestDatabase> => {
  const name = uniqueName('t');
  const { template, migrate } = options;
  if (template !== undefined && migrate !== undefined) {
    await ensureTemplate(template, migrate);
    await withClient(postgresUrl(), async (admin) => {
      await admin.query('select pg_advisory_lock(hashtext($1))', [template]); // a template can be copied by one session at a time
      await admin.query(`create database ${quoted(name)} template ${quoted(template)}`);
      await admin.query('select pg_advisory_unlock(hashtext($1))', [template]);
    });
  } else {
    await withClient(postgresUrl(), (admin) => admin.query(`create database ${quoted(name)}`));
    await migrate?.(postgresUrl(name));
  }
  return {
    name, url: postgresUrl(name),
    urlAs: (role, password) => {
      const url = new URL(postgresUrl(name));
      url.username = encodeURIComponent(role);
      url.password = encodeURIComponent(password);
      return url.href;
    },
    drop: () => withClient(postgresUrl(), async (admin) => { await admin.query(`drop database if exists ${quoted(name)} with (force)`); }),
  };
};

/** `t_3f9a…`: safe as a database, role or tenant-like name (lower-case, digits, underscore). */
export const uniqueName = (prefix: string): string => `${prefix}_${createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 12)}`;

/** A tenant no other test uses. */
export const uniqueTenant = (): string => uniqueName('t').replace('_', '-');

const ownDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'millrace-own-'));

/** A Postgres of the test's own, fsync on unless `settings` says otherwise: for kill and restart drills. `password` is the superuser's. */
export const ownPostgres = async (settings: Record<string, string> = {}): Promise<PostgresServer & { password: string; restart(): Promise<PostgresServer>; remove(): Promise<void> }> => {
  const dir = await ownDir();
  const password = randomBytes(16).toString('hex');
  const start = (port?: number): Promise<PostgresServer> => startPostgresServer({ dataDir: join(dir, 'data'), superuserPassword: password, settings, ...(port === undefined ? {} : { port }) });
  let server = await start();
  return {
    ...server, password,
    stop: () => server.stop(),
    // A backend outlives its server for a moment, and would answer once more.
    kill: async () => {
      await server.kill();
      await eventually('its backends to end', async () => (await workingIn(join(dir, 'data'))).length === 0);
    },
    restart: async () => { server = await start(server.port); return server; },
    remove: async () => { await server.stop(); await rm(dir, { recursive: true, force: true }); },
  };
};

/** A nats-server of the test's own, open or with `configFile`. `restart` keeps its files. */
export const ownNats = async (configFile?: string): Promise<NatsServer & { dir: string; restart(): Promise<NatsServer>; remove(): Promise<void> }> => {
  const dir = await ownDir();
  const start = (): Promise<NatsServer> => startNatsServer({ binary: needed('MILLRACE_TEST_NATS_BINARY'), runDir: dir, ...(configFile === undefined ? {} : { configFile }) });
  let server = await start();
  return {
    ...server, dir,
    stop: () => server.stop(), kill: () => server.kill(),
    restart: async () => { server = await start(); return server; },
    remove: async () => { await server.stop(); await rm(dir, { recursive: true, force: true }); },
  };
};

/**
 * Folder of a public data set (below MILLRACE_DATA, default `../shared/data` beside the checkout), or undefined after saying on standard
 * error that it is absent, so that a spec can choose what it still checks.
 */
export const dataSet = (name: string): string | undefined => {
  const dir = resolve(process.env['MILLRACE_DATA'] ?? resolve(import.meta.dirname, '../../../../shared/data'), name);
  if (existsSync(dir)) return dir;
  process.stderr.write(`data set ${name} is absent (MILLRACE_DATA): what is checked against it is not checked in this run\n`);
  return undefined;
};
