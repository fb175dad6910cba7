import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { createCurve, createUser } from '@nats-io/nkeys';
import { locateNats, startNatsServer, startPostgresServer } from '@millrace/embedded';
import { applyGrants, migrateEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { ingestionManifest, ROLE, ROLE_PASSWORD, SecurityStandIn } from '../../apps/ingestion/src/testing.ts';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS } from './bench-server.ts';
import { compare, quantile } from './rounds.ts';

const root = resolve(import.meta.dirname, '../..');
const TENANT = 'shop';
const PER_REQUEST = 500;
/** Enough to keep a request in every stage: parsing, keys, sealing, commit. */
const LANES = 8;
const KNOWN_CUSTOMERS = 100_000;
const NEW_SHARE = 0.05;

/** Customer numbers as a shop sees them: 5 % new, the rest by Zipf's law (exponent 1) over the known ones. */
class Customers {
  private readonly sums = new Float64Array(KNOWN_CUSTOMERS);
  private made = KNOWN_CUSTOMERS;

  constructor() {
    let sum = 0;
    for (let rank = 0; rank < KNOWN_CUSTOMERS; rank += 1) this.sums[rank] = sum += 1 / (rank + 1);
  }

  next(): string {
    if (Math.random() < NEW_SHARE) return `N-${this.made += 1}`;
    const wanted = Math.random() * this.sums.at(-1)!;
    let [low, high] = [0, KNOWN_CUSTOMERS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return `N-${low}`;
  }
}

const customers = new Customers();
const requestBody = (numbers: readonly string[]): string => {
  const time = new Date().toISOString();
  return JSON.stringify(numbers.map((number) => ({
    specversion: '1.0', id: v7(), source: '/crm', type: 'customer.contact.changed', time,
    data: { customer: { number }, contact: { name: 'Ann Example of Example Street', email: 'ann.example@shop.example' }, country: 'DE' },
  })));
};
const requestBodies = (events: number): string[] => Array.from({ length: events / PER_REQUEST }, () => requestBody(Array.from({ length: PER_REQUEST }, () => customers.next())));

interface Platform {
  readonly address: string;
  readonly postgresUrl: string;
  readonly key: string;
  stop(): Promise<void>;
}

const OPERATOR = randomBytes(16).toString('hex');

/** ingestion as a process of its own; resolves with its address. */
const startIngestion = async (env: Record<string, string>): Promise<{ child: ChildProcess; address: string }> => {
  const node = join(root, 'node_modules/.bin/node');
  const child = spawn(node, ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', join(root, 'tools/swc-hook.mjs'), join(root, 'apps/ingestion/src/main.ts')],
    { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
    if (msg === 'listening' && url !== undefined) {
      child.stdout.resume();
      return { child, address: url };
    }
  }
  throw new Error('ingestion ended before it listened');
};

const secret = async (dir: string, name: string, text: string): Promise<string> => {
  const file = join(dir, name);
  await writeFile(file, text);
  await chmod(file, 0o600);
  return file;
};

const startPlatform = async (): Promise<Platform> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const password = randomBytes(16).toString('hex');
  const { binary } = await locateNats({ explicit: process.env['MILLRACE_NATS_SERVER'], cacheDir: join(root, '.cache/millrace') });
  const [postgres, nats] = await Promise.all([
    startPostgresServer({ dataDir: join(dir, 'postgres'), superuserPassword: password, settings: SERVER_SETTINGS }),
    startNatsServer({ binary, runDir: join(dir, 'nats') }),
  ]);
  const postgresUrl = postgres.url('postgres', 'postgres', password);
  await migrateEventStore(postgresUrl);
  const admin = new Client({ connectionString: postgresUrl });
  await admin.connect();
  await admin.query(`create role ${ROLE} login password '${ROLE_PASSWORD}'`);
  await admin.query(`create database ingestion owner ${ROLE}`);
  await applyGrants(admin, [await ingestionManifest()]);
  await admin.end();
  const curve = createCurve();
  const security = await SecurityStandIn.answering(nats.url, curve.getPublicKey());
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const { child, address } = await startIngestion({
    MILLRACE_HTTP_PORT: '0', MILLRACE_LOG_LEVEL: 'info', MILLRACE_NATS_URL: nats.url, MILLRACE_SECURITY_XKEY: security.publicKey,
    MILLRACE_EVENTS_URL: postgres.url('postgres', ROLE, ROLE_PASSWORD), MILLRACE_DATABASE_URL: postgres.url('ingestion', ROLE, ROLE_PASSWORD),
    MILLRACE_NATS_SEED_FILE: await secret(dir, 'nkey', text(createUser().getSeed())), MILLRACE_XKEY_SEED_FILE: await secret(dir, 'xkey', text(curve.getSeed())),
    MILLRACE_API_TOKENS: `operator:${createHash('sha256').update(OPERATOR).digest('hex')}`,
  });
  const made = await fetch(`${address}/v1/sources`, { method: 'POST', headers: { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/json' }, body: JSON.stringify({ tenant: TENANT, name: 'bench', recordOf: ['customer'] }) });
  const { key } = (await made.json()) as { key: string };
  return {
    address, postgresUrl, key,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await security.link.close();
      await Promise.all([postgres.stop(), nats.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** Sends bodies over LANES connections; events per second until the last is answered, and the requests' durations. */
const measureIntake = async ({ address, key }: Platform, bodies: string[]): Promise<{ perSecond: number; durationsMs: number[] }> => {
  const events = bodies.length * PER_REQUEST;
  const durationsMs: number[] = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const sent = performance.now();
      const response = await fetch(`${address}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${key}` }, body });
      const answer = await response.text();
      durationsMs.push(performance.now() - sent);
      if (response.status !== 202 || answer.includes('rejected')) throw new Error(`the intake answered ${response.status}: ${answer.slice(0, 300)}`);
    }
  }));
  return { perSecond: events / ((performance.now() - begun) / 1000), durationsMs };
};

/** The same rows' stored bytes in multi-row inserts of 500, under a primary key and two unique keys: the best of one and four connections. */
const measureRaw = async (url: string, body: Buffer, rows: number): Promise<number> => {
  const clients = Array.from({ length: 4 }, () => new Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  await clients[0]!.query('create table if not exists raw (position bigserial primary key, id uuid not null unique, stream text collate "C" not null, version integer not null, body bytea not null, unique (stream, version))');
  const speeds: number[] = [];
  for (const connections of [1, 4]) {
    const statements = Array.from({ length: rows / PER_REQUEST }, () => Array.from({ length: PER_REQUEST }, () => v7()));
    const begun = performance.now();
    await Promise.all(clients.slice(0, connections).map(async (client) => {
      for (let ids = statements.pop(); ids !== undefined; ids = statements.pop()) {
        await client.query({ name: 'raw', text: 'insert into raw (id, stream, version, body) select id, stream, 1, body from unnest($1::uuid[], $2::text[], $3::bytea[]) as r(id, stream, body)', values: [ids, ids.map((id) => `customer.profile/${id}`), ids.map(() => body)] });
      }
    }));
    speeds.push(rows / ((performance.now() - begun) / 1000));
  }
  await Promise.all(clients.map((client) => client.end()));
  return Math.max(...speeds);
};

const storedBody = async (url: string): Promise<Buffer> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ body: Buffer }>('select envelope || data as body from millrace.event limit 1');
  await client.end();
  return rows[0]!.body;
};

/**
 * HTTP intake in requests of 500 over eight connections against raw inserts of the same stored bytes (envelope and data) on the same Postgres
 * with fsync on, in alternating rounds: validated, two personal fields sealed, deduplicated, 5 % new customers, the rest Zipf over 100,000.
 * `rawPaused` is intake over raw, the median of the rounds' own ratios, without consumers. Keys come over NATS from a stand-in with
 * subjects in memory that shares the load generator's process.
 */
export const benchIntake: Bench = async ({ quick }) => {
  const platform = await startPlatform();
  try {
    const events = quick ? 10_000 : 40_000;
    await measureIntake(platform, requestBodies(events)); // warms caches and compilers; not counted
    const body = await storedBody(platform.postgresUrl);
    const rounds = [];
    const durations: number[] = [];
    for (let n = 0; n < (quick ? 3 : 5); n += 1) {
      const raw = await measureRaw(platform.postgresUrl, body, events);
      const { perSecond: intake, durationsMs } = await measureIntake(platform, requestBodies(events));
      durations.push(...durationsMs);
      rounds.push({ raw: Math.round(raw), intake: Math.round(intake) });
    }
    return {
      ...compare(rounds, { rawPaused: ['intake', 'raw'] }),
      eventsPerSecond: quantile(rounds.map(({ intake }) => intake), 0.5), rawPerSecond: quantile(rounds.map(({ raw }) => raw), 0.5),
      requestMs: { p50: Math.round(quantile(durations, 0.5)), p99: Math.round(quantile(durations, 0.99)) },
      settings: { ...SERVER_SETTINGS, eventsPerRequest: PER_REQUEST, lanes: LANES, eventsPerRound: events, storedBytes: body.length }, rounds,
    };
  } finally {
    await platform.stop();
  }
};
