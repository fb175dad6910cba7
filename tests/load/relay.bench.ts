import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { locateNats, startNatsServer } from '@millrace/embedded';
import { BusLink, encodeHeaders, encodePayload, eventSubject, Relay, routed, streamNameOf } from '@millrace/event-bus';
import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import type { LogHead, StoredEvent } from '@millrace/kernel';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { alternate, compare, medians, perSecond } from './rounds.ts';
import { BENCH_LOG, measureAppend } from './sample-units.ts';

const run = promisify(execFile);
const WORKSPACE = join(import.meta.dirname, '../..');
/** As `nats bench` asks for: operations waiting for their acknowledgement. */
const WINDOW = 500;
const PEER_STREAM = 'benchstream';

interface Peer {
  readonly name: string;
  /** Messages per second, each of `bytes`, to an empty file stream. */
  measure(messages: number, bytes: number): Promise<number>;
}

/** The tools of the machine, not Millrace's configuration. */
const environment = process.env; // oxlint-disable-line node/no-process-env

/** `MILLRACE_NATS_CLI`, else `nats` on the search path. */
const natsCli = async (): Promise<string | undefined> => {
  const candidates = [environment['MILLRACE_NATS_CLI'], ...(environment['PATH'] ?? '').split(delimiter).map((dir) => join(dir, 'nats'))];
  for (const binary of candidates) if (binary && await run(binary, ['--version']).then(() => true, () => false)) return binary;
  return undefined;
};

const toPeerStream = async (jsm: JetStreamManager): Promise<void> => {
  await jsm.streams.delete(PEER_STREAM).catch(() => undefined); // none in the first round
  await jsm.streams.add({ name: PEER_STREAM, subjects: ['peer.>'], storage: 'file' });
};

/** Reads `… 103,123 msgs/sec …` of the summary line. */
export const rateIn = (output: string): number => {
  const rates = [...output.matchAll(/([\d,]+)\s+msgs\/sec/g)].map(([, rate]) => Number(rate?.replaceAll(',', '')));
  const rate = rates.at(-1);
  if (rate === undefined || !(rate > 0)) throw new Error(`nats bench printed no rate: ${output.slice(-300)}`);
  return rate;
};

const cliPeer = (binary: string, url: string, jsm: JetStreamManager): Peer => ({
  name: 'nats bench js pub async',
  async measure(messages, bytes) {
    await toPeerStream(jsm);
    const { stdout } = await run(binary, ['bench', 'js', 'pub', 'async', 'peer.bench', '--server', url, '--stream', PEER_STREAM, '--msgs', String(messages), '--size', String(bytes), '--batch', String(WINDOW), '--no-progress', '--no-context'], { maxBuffer: 2 ** 24 });
    return rateIn(stdout);
  },
});

/** Where natscli can't be had: the same messages by an asynchronous publisher in Node. Not the peer the bar names, and labelled so. */
const standIn = (nc: NatsConnection, jsm: JetStreamManager): Peer => ({
  name: 'STAND-IN: asynchronous JetStream publisher in Node (natscli not found)',
  async measure(messages, bytes) {
    await toPeerStream(jsm);
    const [js, payload] = [jetstream(nc), new Uint8Array(bytes)];
    return perSecond(messages, async () => {
      for (let sent = 0; sent < messages; sent += WINDOW) await Promise.all(Array.from({ length: Math.min(WINDOW, messages - sent) }, () => js.publish('peer.bench', payload)));
    });
  },
});

/** What a message holds on the wire and on disk besides its subject: payload and headers. */
const messageBytes = (event: StoredEvent, head: LogHead): number => {
  const headers = encodeHeaders(routed(event));
  headers.set('Nats-Batch-Id', 'x'.repeat(22));
  headers.set('Nats-Batch-Sequence', '500');
  return encodePayload(event).length + [...headers].reduce((sum, [key, values]) => sum + key.length + (values[0]?.length ?? 0) + 4, 12) + eventSubject(BENCH_LOG, head.epoch, event.envelope.type).length - 'peer.bench'.length;
};

const measureRelay = async (store: PgEventStore, url: string, jsm: JetStreamManager, head: LogHead): Promise<number> => {
  await jsm.streams.delete(streamNameOf(BENCH_LOG, head.epoch)).catch(() => undefined); // none in the first round
  const link = BusLink.open({ url, service: 'backbone' });
  await link.ready(5_000);
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const rate = await perSecond(head.position, async () => {
    const relay = new Relay({ reader: store, link });
    relay.start();
    const look = setInterval(() => { if (relay.status()[0]?.relayed === head.position) resolve(); }, 2);
    await done;
    clearInterval(look);
    await relay.stop();
  });
  await link.close();
  const { state } = await jsm.streams.info(streamNameOf(BENCH_LOG, head.epoch));
  if (state.last_seq !== head.position) throw new Error(`the stream ends at ${state.last_seq}, the log at ${head.position}`);
  return rate;
};

const withNats = async <T>(work: (url: string, nc: NatsConnection, jsm: JetStreamManager) => Promise<T>): Promise<T> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-nats-'));
  const explicit = environment['MILLRACE_NATS_SERVER'];
  const { binary } = await locateNats({ cacheDir: join(WORKSPACE, '.cache/millrace'), ...(explicit ? { explicit } : {}) });
  const configFile = join(dir, 'nats.conf');
  await writeFile(configFile, `host: 127.0.0.1\nport: -1\njetstream { store_dir: "${join(dir, 'jetstream')}" }\n`);
  const server = await startNatsServer({ binary, runDir: dir, configFile });
  const nc = await connect({ servers: server.url });
  try {
    return await work(server.url, nc, await jetstreamManager(nc));
  } finally {
    await nc.close();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
};

/**
 * The relay, from rows in Postgres to a file stream whose sequence is the position, against `nats bench js pub async` of messages of the same
 * bytes to a file stream of the same server: the bench sends ready bytes, the relay reads, encodes and checks each event and publishes
 * atomic batches.
 */
export const benchRelay: Bench = ({ quick, progress }) => withServer((postgres) => withNats(async (url, nc, jsm) => {
  const events = quick ? 30_000 : 150_000;
  const database = await postgres.database('bench');
  await migrateEventStore(database);
  const store = PgEventStore.connect({ url: database, applicationName: 'bench' });
  await measureAppend(store, { callers: 4, perCall: 500, events });
  const head = (await store.head(BENCH_LOG))!;
  const sample = await store.read(BENCH_LOG, 0, 1000);
  const bytes = Math.round(sample.reduce((sum, event) => sum + messageBytes(event, head), 0) / sample.length);
  const cli = await natsCli();
  const peer = cli === undefined ? standIn(nc, jsm) : cliPeer(cli, url, jsm);
  const rounds = await alternate(5, { natsBench: () => peer.measure(head.position, bytes), relay: () => measureRelay(store, url, jsm, head) }, progress);
  await store.close();
  return {
    ...compare(rounds, { natsBench: ['relay', 'natsBench'] }), perSecond: medians(rounds), rounds,
    settings: { ...SERVER_SETTINGS, peer: peer.name, eventsPerRound: head.position, bytesPerMessage: bytes, storage: 'file', window: WINDOW },
  };
}));
