import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import type { Bench, Progress } from './bench-result.ts';
import { SERVER_SETTINGS, withServer, type BenchServer } from './bench-server.ts';
import { fillLog } from './filled-log.ts';
import { BODY_BYTES, RawTable } from './raw-table.ts';
import { alternate, compare, medians, type Round } from './rounds.ts';
import { BENCH_LOG, measureAppend } from './sample-units.ts';

const CALLERS = 4;
const PER_CALL = 500;

/** `1M` or `50k`. */
const sizeName = (events: number): string => (events >= 1_000_000 ? `${events / 1_000_000}M` : `${events / 1000}k`);

interface Measured { readonly rounds: readonly Round[]; readonly ratios: Readonly<Record<string, number>>; readonly spread: Readonly<Record<string, { min: number; max: number }>> }

/** A database with a log of its own, nearly empty. */
const openLog = async (server: BenchServer, name: string): Promise<{ url: string; store: PgEventStore }> => {
  const url = await server.database(name);
  await migrateEventStore(url);
  return { url, store: PgEventStore.connect({ url, applicationName: 'bench' }) };
};

/** Rates of `store` and of a near-empty log made for it, with raw statements in between; the ratio is between the two logs. */
const besideEmpty = async (server: BenchServer, raw: RawTable, at: string, store: PgEventStore, { events, rounds: count, progress }: { events: number; rounds: number; progress: Progress }): Promise<Measured> => {
  const empty = await openLog(server, `empty_${at.toLowerCase()}`);
  const [side, emptySide, rawSide] = [at, `${at}Empty`, `${at}Raw`];
  const append = (to: PgEventStore) => () => measureAppend(to, { callers: CALLERS, perCall: PER_CALL, events });
  try {
    const rounds = await alternate(count, { [side]: append(store), [rawSide]: () => raw.measure(CALLERS, PER_CALL, events, Buffer.alloc(BODY_BYTES)), [emptySide]: append(empty.store) }, (_part, done, of) => progress(at, done, of));
    return { rounds, ...compare<string, string>(rounds, { [at]: [side, emptySide], [`${at}OverRaw`]: [side, rawSide], [`${at}EmptyOverRaw`]: [emptySide, rawSide] }) };
  } finally {
    await empty.store.close();
  }
};

/**
 * A log that grew by appends was vacuumed and written out on the way; one filled in a minute owes all of it at once, and autovacuum and checkpointer
 * would pay it while its appends are timed.
 */
const settle = async (url: string): Promise<void> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('VACUUM (ANALYZE) millrace.event');
  await client.query('CHECKPOINT');
  await client.end();
};

/** A transaction that reads the log once and stays open, as a forgotten session or a slow backup does. */
const holdSnapshot = async (url: string): Promise<Client> => {
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await holder.query(`SELECT count(*) FROM millrace.event e, millrace.log_head h WHERE e.tenant = $1`, [BENCH_LOG.tenant]);
  return holder;
};

/**
 * Does a log that has grown take events more slowly, and one behind a snapshot that is held open? The log is brought to each size by SQL,
 * rows as `append_events` writes them; there appends run in alternation with appends to a near-empty log of the same server and with raw
 * statements, so that what the machine does meanwhile hits all three. Ratio: over the near-empty log. The snapshot is as old as the run, and
 * many small transactions were committed behind it before it is measured.
 */
export const benchGrowth: Bench = ({ quick, progress }) => withServer(async (server) => {
  const sizes = quick ? [50_000, 100_000, 200_000] : [1_000_000, 3_000_000, 5_000_000];
  const load = { ...(quick ? { events: 5_000, rounds: 5 } : { events: 40_000, rounds: 9 }), progress };
  const { events } = load;
  const held = await openLog(server, 'held');
  await measureAppend(held.store, { callers: CALLERS, perCall: PER_CALL, events });
  const holder = await holdSnapshot(held.url);
  const raw = await RawTable.connect(await server.database('raw'));
  const grown = await openLog(server, 'grown');
  const measured: Measured[] = [];
  try {
    for (const size of sizes) {
      await fillLog(grown.url, size);
      await settle(grown.url);
      measured.push(await besideEmpty(server, raw, `at${sizeName(size)}`, grown.store, load));
    }
    await measureAppend(held.store, { callers: 16, perCall: 1, events });
    measured.push(await besideEmpty(server, raw, 'openSnapshot', held.store, load));
  } finally {
    await holder.end();
    await Promise.all([raw.close(), grown.store.close(), held.store.close()]);
  }
  const rounds = Array.from({ length: load.rounds }, (_, n): Round => Object.assign({}, ...measured.map((one) => one.rounds[n]!)));
  return {
    ratios: Object.assign({}, ...measured.map((one) => one.ratios)), spread: Object.assign({}, ...measured.map((one) => one.spread)),
    perSecond: medians(rounds), rounds,
    settings: { ...SERVER_SETTINGS, sizes: sizes.map(sizeName).join(' '), eventsPerRound: events, callers: CALLERS, perCall: PER_CALL, bodyBytes: BODY_BYTES },
  };
});
