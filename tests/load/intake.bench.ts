import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createCurve, createUser } from '@nats-io/nkeys';
import { locateNats, startNatsServer, startPostgresServer } from '@millrace/embedded';
import { applyGrants, migrateEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import { ingestionManifest, ROLE, ROLE_PASSWORD, SecurityStandIn } from '../../apps/ingestion/src/testing.ts';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS } from './bench-server.ts';
import { LANES, PER_REQUEST, postAll, postPaced, requestBodies } from './intake-load.ts';
import { BODY_BYTES, RawTable } from './raw-table.ts';
import { alternate, compare, median, medians, quantile, whole } from './rounds.ts';
import { sustainIntake } from './sustained-intake.ts';

const root = resolve(import.meta.dirname, '../..');
const TENANT = 'shop';

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

/**
 * HTTP intake in requests of 500 over eight connections: validated, two personal fields sealed, deduplicated, 5 % new customers, the rest
 * Zipf over 100,000. `rawPaused`: ingestion alone against raw statements of 500 on the same Postgres, in alternating rounds; keys come over
 * NATS from a stand-in with subjects in memory that shares the load generator's process. `rawSustained`: the whole platform with every
 * reader at work, for five minutes (15 seconds with --quick), one event in ten an order, against the raw rate of the paused rounds.
 * At a quarter of the paused peak the acknowledgement's 99th percentile is taken, and on the quiet platform request to KPI.
 */
export const benchIntake: Bench = async ({ quick, progress }) => {
  const events = quick ? 6_000 : 40_000;
  const platform = await startPlatform();
  let paused;
  const rawAlone: number[] = [];
  try {
    const raw = await RawTable.connect(platform.postgresUrl);
    const rounds = await alternate(quick ? 5 : 7, {
      raw: () => raw.best(PER_REQUEST, events),
      intake: () => postAll(platform, requestBodies(events)),
    }, progress);
    await raw.close();
    rawAlone.push(...rounds.map((round) => round.raw));
    const peak = medians(rounds).intake;
    const durations = await postPaced(platform, requestBodies((quick ? 4 : 30) * peak / 4), peak / 4);
    paused = { rounds, durations };
  } finally {
    await platform.stop();
  }
  const sustained = await sustainIntake(quick ? 15 : 300, progress);
  const rawRate = median(rawAlone);
  const { ratios, spread } = compare(paused.rounds, { rawPaused: ['intake', 'raw'] });
  const rawSustained = (by: number): number => Number((sustained.perSecond / by).toPrecision(4));
  const perSecond = { ...medians(paused.rounds), sustained: Math.round(sustained.perSecond) };
  return {
    headlines: [
      `HTTP intake, nobody reading: ${whole(perSecond.intake)} events/s, ${ratios.rawPaused} of a raw multi-row insert of as many rows (${whole(perSecond.raw)} rows/s)`,
      `HTTP intake for ${quick ? 15 : 300} s, every reader at work: ${whole(perSecond.sustained)} events/s, ${rawSustained(rawRate)} of it; worst lag ${Math.max(...Object.values(sustained.worstLagSeconds))} s`,
    ],
    ratios: { ...ratios, rawSustained: rawSustained(rawRate) },
    spread: { ...spread, rawSustained: { min: rawSustained(Math.max(...rawAlone)), max: rawSustained(Math.min(...rawAlone)) } },
    perSecond,
    worstLagSeconds: sustained.worstLagSeconds, lagSamples: sustained.lagSamples,
    quarterOfPeakMs: { p50: Math.round(median(paused.durations)), p99: Math.round(quantile(paused.durations, 0.99)) },
    requestToKpiMs: { p50: Math.round(median(sustained.requestToKpiMs)), p99: Math.round(quantile(sustained.requestToKpiMs, 0.99)) },
    settings: { ...SERVER_SETTINGS, eventsPerRequest: PER_REQUEST, lanes: LANES, eventsPerRound: events, rawBodyBytes: BODY_BYTES, sustainedSeconds: quick ? 15 : 300 },
    rounds: paused.rounds,
  };
};
