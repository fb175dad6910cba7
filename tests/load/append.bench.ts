import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { emmett, installPeers, measurePeer, messageDb, PEER_CONNECTIONS } from './peers.ts';
import { BODY_BYTES, RawTable, sampleBody } from './raw-table.ts';
import { alternate, compare, medians, quantile, whole } from './rounds.ts';
import { BENCH_LOG, measureAppend, sampleUnit } from './sample-units.ts';

/** Milliseconds from call to acknowledgement of single events that arrive evenly, `perSecond` of them for `seconds`. */
const acknowledgements = async (store: PgEventStore, perSecond: number, seconds: number): Promise<number[]> => {
  const units = Array.from({ length: Math.floor(perSecond * seconds) }, () => sampleUnit());
  const durations: number[] = [];
  const answered: Promise<void>[] = [];
  const begun = performance.now();
  while (answered.length < units.length) {
    // Counted from when it was due, not from when this loop came to it: a stall is not hidden.
    for (const due = performance.now(); answered.length < units.length && begun + (1000 * answered.length) / perSecond <= due;) {
      const at = begun + (1000 * answered.length) / perSecond;
      answered.push(store.append(BENCH_LOG, [units[answered.length]!], { countAs: 'intake' }).then(() => { durations.push(performance.now() - at); }));
    }
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  await Promise.all(answered);
  return durations;
};

/**
 * A server that has run for a while uses its WAL segments again. A new one makes each, 16 MiB of zeros and their sync: some 30 ms every ten thousand
 * events, which are the 99th percentile of whoever waits meanwhile.
 */
const recycleSegments = async (url: string): Promise<void> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('CHECKPOINT');
  await client.end();
};

/**
 * Appends against raw inserts and two other event stores on the same embedded Postgres with fsync on, in alternating rounds. The append's
 * row has besides the body an envelope, salt, leaf and fingerprint, checks identity and expected version, and counts. 64 and 512: callers
 * with one event each, against raw statements of 64 and the peers with as many callers; 500: four callers with calls of 500 against raw
 * statements of 500.
 */
export const benchAppend: Bench = ({ quick, progress }) => withServer(async (server) => {
  installPeers();
  const url = await server.database('bench');
  await migrateEventStore(url);
  const [raw, emmettStore, messageStore] = [await RawTable.connect(url), await emmett(await server.database('emmett'), sampleBody()), await messageDb(await server.database('message_db'), sampleBody())];
  const store = PgEventStore.connect({ url, applicationName: 'bench' });
  const rows = quick ? 10_000 : 40_000;
  const peerRows = quick ? 700 : 5_000;
  const appends = (callers: number, perCall: number) => () => measureAppend(store, { callers, perCall, events: rows });
  const rounds = await alternate(quick ? 5 : 7, {
    raw64: () => raw.best(64, rows),
    append64: appends(64, 1),
    emmett64: () => measurePeer(emmettStore, 64, peerRows),
    messageDb64: () => measurePeer(messageStore, 64, peerRows),
    raw500: () => raw.best(500, rows),
    append500: appends(4, 500),
    append512: appends(512, 1),
    emmett512: () => measurePeer(emmettStore, 512, peerRows),
    messageDb512: () => measurePeer(messageStore, 512, peerRows),
  }, progress);
  const rates = medians(rounds);
  await recycleSegments(url);
  const durations = await acknowledgements(store, rates.append64 / 4, quick ? 3 : 10);
  await Promise.all([raw.close(), store.close(), emmettStore.close(), messageStore.close()]);
  const compared = compare(rounds, {
    emmett64: ['append64', 'emmett64'], emmett512: ['append512', 'emmett512'], messageDb64: ['append64', 'messageDb64'], messageDb512: ['append512', 'messageDb512'],
    raw64: ['append64', 'raw64'], raw500: ['append500', 'raw500'],
  });
  const { ratios: { raw64, raw500 } } = compared;
  return {
    ...compared,
    headlines: [
      `append in calls of 500: ${whole(rates.append500)} events/s, ${raw500} of a raw multi-row insert of as many rows (${whole(rates.raw500)} rows/s)`,
      `append by 64 callers, one event each: ${whole(rates.append64)} events/s, ${raw64} of raw statements of 64 rows (${whole(rates.raw64)} rows/s)`,
    ],
    perSecond: rates,
    acknowledgementMs: { p50: Number(quantile(durations, 0.5).toFixed(1)), p99: Number(quantile(durations, 0.99).toFixed(1)), perSecond: Math.round(rates.append64 / 4) },
    rounds, settings: { ...SERVER_SETTINGS, bodyBytes: BODY_BYTES, rowsPerRound: rows, peerRowsPerRound: peerRows, peerConnections: PEER_CONNECTIONS },
  };
});
