import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateEventStore, PgEventStore, PgLedgerStore } from '@millrace/event-store';
import { parseProof, verifyProof } from '@millrace/ledger';
import { Client } from 'pg';
import { ExportController } from '../../apps/backbone/src/ledger/export.controller.ts';
import { LedgerKeys } from '../../apps/backbone/src/ledger/ledger-keys.ts';
import { logKey, trusted } from '../../apps/backbone/src/ledger/testing.ts';
import type { Bench, BenchOptions, Progress } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { caughtUpAfter, largestLag, type Look } from './coverage-lag.ts';
import { fillLog } from './filled-log.ts';
import { median, quantile, type Round } from './rounds.ts';
import { BENCH_LOG, measureAppend } from './sample-units.ts';

/** Of tree and witness alike: what stands behind a proof is the cosigned tree. */
const COVERED = `SELECT coalesce((SELECT max(position) FROM millrace.event), 0) AS head, coalesce((SELECT max(size) FROM millrace.ledger_checkpoint WHERE cosigned), 0) AS covered`;
const LOOK_EVERY_MS = 50;
/** What the bar speaks of; a figure for a smaller tree goes by another name. */
const FULL_LEAVES = 5_000_000;
const PROOFS_A_ROUND = 100;
const ROUNDS = 5;
const SHORT_DATA = Buffer.from('{"orderId":"o-1"}');
/** Looked for from here on: a builder that stands still fails the run. */
const DEADLINE_MS = 120_000;

const seconds = (ms: number): number => Number((ms / 1000).toFixed(2));
const milliseconds = (ms: number): number => Number(ms.toPrecision(3));

/** Looks until `until` says so, given all looks up to now. */
const watch = async (url: string, until: (looks: readonly Look[]) => boolean): Promise<Look[]> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  const looks: Look[] = [];
  try {
    const deadline = performance.now() + DEADLINE_MS;
    while (!until(looks)) {
      if (performance.now() > deadline) throw new Error(`the ledger stands at ${looks.at(-1)?.covered} of ${looks.at(-1)?.head}`);
      const { rows: [row] } = await client.query<{ head: string; covered: string }>({ name: 'look', text: COVERED });
      looks.push({ ms: performance.now(), head: Number(row!.head), covered: Number(row!.covered) });
      await new Promise((resolve) => { setTimeout(resolve, LOOK_EVERY_MS); });
    }
  } finally {
    await client.end();
  }
  return looks;
};

const withBuilder = async <T>(url: string, work: (builder: ChildProcess) => Promise<T>): Promise<T> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-ledger-'));
  const builder = fork(join(import.meta.dirname, 'ledger-builder.ts'), [url, dir]);
  const gone = once(builder, 'exit');
  try {
    return await Promise.race([work(builder), gone.then(([code]) => { throw new Error(`the ledger builder ended with ${String(code)}`); })]);
  } finally {
    if (builder.connected) builder.disconnect();
    await gone;
    await rm(dir, { recursive: true, force: true });
  }
};

const isLevel = (looks: readonly Look[]): boolean => { const last = looks.at(-1); return last !== undefined && last.head > 0 && last.covered >= last.head; };

/** Tree and proofs of a log of `leaves` events: the route's own code, from the id to the proof, and then checked as a stranger would. */
const measureProofs = async (url: string, leaves: number, progress: Progress): Promise<{ rounds: Round[]; treeSeconds: number; verifyMs: number }> => {
  await migrateEventStore(url);
  await fillLog(url, leaves, SHORT_DATA);
  const looks = await withBuilder(url, () => watch(url, isLevel));
  const [events, store, client] = [PgEventStore.connect({ url, applicationName: 'bench' }), PgLedgerStore.connect({ url, applicationName: 'bench' }), new Client({ connectionString: url })];
  await client.connect();
  const route = new ExportController(store, events, new LedgerKeys(logKey, trusted.witness));
  const [rounds, verifyMs]: [Round[], number[]] = [[], []];
  try {
    for (let n = -1; n < ROUNDS; n += 1) {
      const positions = Array.from({ length: PROOFS_A_ROUND }, () => 1 + Math.floor(Math.random() * leaves));
      const { rows } = await client.query<{ id: string }>('SELECT id FROM millrace.event WHERE tenant = $1 AND context = $2 AND shard = $3 AND position = ANY($4)', [BENCH_LOG.tenant, BENCH_LOG.context, BENCH_LOG.shard, positions]);
      const took: number[] = [];
      for (const { id } of rows) {
        const begun = performance.now();
        const { proof } = await route.proof(id, { tenant: BENCH_LOG.tenant });
        const made = performance.now();
        verifyProof(parseProof(proof), trusted);
        took.push(made - begun);
        verifyMs.push(performance.now() - made);
      }
      const begun = performance.now();
      for (let asked = 0; asked < PROOFS_A_ROUND; asked += 1) await client.query({ name: 'one', text: 'SELECT 1' });
      const roundTripMs = milliseconds((performance.now() - begun) / PROOFS_A_ROUND);
      progress('rounds of proofs', n + 2, ROUNDS + 1);
      if (n >= 0) rounds.push({ medianMs: milliseconds(median(took)), p99Ms: milliseconds(quantile(took, 0.99)), roundTripMs });
    }
  } finally {
    await Promise.all([events.close(), store.close(), client.end()]);
  }
  return { rounds, treeSeconds: seconds(looks.at(-1)!.ms - looks[0]!.ms), verifyMs: milliseconds(median(verifyMs)) };
};

interface Following { readonly appendPerSecond: number; readonly alonePerSecond: number; readonly largestLagSeconds: number; readonly catchUpSeconds: number; readonly appended: number }

/** Appends as fast as the store takes them while the builder follows in a process of its own. */
const measureFollowing = async (url: string, events: number): Promise<Following> => {
  await migrateEventStore(url);
  const store = PgEventStore.connect({ url, applicationName: 'bench' });
  const load = { callers: 4, perCall: 500, events };
  try {
    await measureAppend(store, { ...load, events: 5_000 });
    const alonePerSecond = await measureAppend(store, load);
    return await withBuilder(url, async () => {
      await watch(url, isLevel);
      let ended = Number.POSITIVE_INFINITY;
      const watching = watch(url, (looks) => caughtUpAfter(looks, ended) !== undefined);
      const rate = await measureAppend(store, load).finally(() => { ended = performance.now(); });
      const looks = await watching;
      return { appendPerSecond: Math.round(rate), alonePerSecond: Math.round(alonePerSecond), largestLagSeconds: seconds(largestLag(looks)), catchUpSeconds: seconds(caughtUpAfter(looks, ended)!), appended: events };
    });
  } finally {
    await store.close();
  }
};

/**
 * `inclusionMs`: what the HTTP route does for one event of a large log, from its id to a proof checked against the cosigned tree (median;
 * `p99Ms` besides), events drawn evenly. `catchUpSeconds`: how long after appends at full rate ended until all of them stood in a cosigned
 * tree; `largestLagSeconds`: the longest any look found an event waiting for that meanwhile. Ratio: appends while the builder follows
 * over appends without it. `roundTripMs`: an empty statement's way to the server and back; a proof takes four.
 */
export const benchProof: Bench = ({ quick, progress }: BenchOptions) => withServer(async (server) => {
  const leaves = quick ? 50_000 : FULL_LEAVES;
  const following = await measureFollowing(await server.database('following'), quick ? 40_000 : 250_000);
  const { rounds, treeSeconds, verifyMs } = await measureProofs(await server.database('proofs'), leaves, progress);
  const ratio = Number((following.appendPerSecond / following.alonePerSecond).toPrecision(3));
  return {
    ratios: { appendWhileBuilding: ratio }, spread: { appendWhileBuilding: { min: ratio, max: ratio } },
    [leaves >= FULL_LEAVES ? 'inclusionMs' : 'inclusionMsOfFewer']: median(rounds.map(({ medianMs }) => medianMs!)), inclusionP99Ms: median(rounds.map(({ p99Ms }) => p99Ms!)), verifyMs, roundTripMs: median(rounds.map(({ roundTripMs: ms }) => ms!)),
    ...following, treeSeconds, treePerSecond: Math.round(leaves / treeSeconds),
    rounds, settings: { ...SERVER_SETTINGS, leaves, proofsPerRound: PROOFS_A_ROUND, lookEveryMs: LOOK_EVERY_MS, proofDataBytes: SHORT_DATA.length },
  };
});
