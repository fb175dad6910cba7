// Jest globalSetup/globalTeardown: one Postgres and one NATS for the run of a project. Plain Node loads libs/embedded from source here
// (it keeps to erasable syntax for that); workers inherit the environment set here.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startNatsServer } from '../libs/embedded/src/nats.ts';
import { locateNats } from '../libs/embedded/src/nats-locate.ts';
import { startPostgresServer } from '../libs/embedded/src/postgres.ts';

let running;

/** fsync off: these databases live as long as the run. Drills that need durability start a server of their own. */
const THROWAWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200', shared_buffers: '64MB' };

export const setup = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const password = randomBytes(16).toString('hex');
  const cacheDir = resolve(import.meta.dirname, '../.cache/millrace');
  const { binary } = await locateNats({ explicit: process.env['MILLRACE_NATS_SERVER'], cacheDir });
  const [postgres, nats] = await Promise.all([
    startPostgresServer({ dataDir: join(dir, 'postgres'), superuserPassword: password, settings: THROWAWAY }),
    startNatsServer({ binary, runDir: join(dir, 'nats') }),
  ]);
  running = { dir, postgres, nats };
  process.env['MILLRACE_TEST_POSTGRES_URL'] = postgres.url('postgres', 'postgres', password);
  process.env['MILLRACE_TEST_NATS_URL'] = nats.url;
  process.env['MILLRACE_TEST_NATS_BINARY'] = binary;
};

export const teardown = async () => {
  if (!running) return;
  await Promise.all([running.postgres.stop(), running.nats.stop()]);
  await rm(running.dir, { recursive: true, force: true });
};
