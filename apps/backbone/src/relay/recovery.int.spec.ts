import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { BusLink, decodeMessage, OrderedConsumers, Relay, streamNameOf, type BatchHandler } from '@millrace/event-bus';
import { PgEventStore, renewEpoch } from '@millrace/event-store';
import type { LogKey, LogMark } from '@millrace/kernel';
import { eventually, natsUrl, uniqueTenant, withClient } from '@millrace/testing';
import { appendOrders, eventDatabase, type EventDatabase } from '../event-log/testing.ts';

const root = resolve(import.meta.dirname, '../../../..');
let events: EventDatabase;
let nc: NatsConnection;
let dir: string;
const children: ChildProcess[] = [];
const open: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  events = await eventDatabase();
  nc = await connect({ servers: natsUrl() });
  dir = await mkdtemp(join(tmpdir(), 'millrace-recovery-'));
  await writeFile(join(dir, 'seed'), createUser().getSeed(), { mode: 0o600 });
  await writeFile(join(dir, 'ledger.seed'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const close of open.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await nc.close();
  await events.remove();
  await rm(dir, { recursive: true });
});

/** The service as a process of its own. */
const backbone = (stdio: 'ignore' | 'pipe' = 'ignore'): ChildProcess => {
  const child = spawn(process.execPath, ['--conditions=source', '--import', join(root, 'tools/swc-hook.mjs'), join(import.meta.dirname, '../main.ts')], {
    stdio,
    env: {
      PATH: process.env['PATH'], MILLRACE_HTTP_PORT: '0', MILLRACE_API_TOKENS: `operator:${createHash('sha256').update('t').digest('hex')}`,
      MILLRACE_EVENTS_URL: events.relayUrl, MILLRACE_NATS_URL: natsUrl(), MILLRACE_NATS_SEED_FILE: join(dir, 'seed'),
      // No witness answers there: the ledger waits for one, the relay does not.
      MILLRACE_LEDGER_SEED_FILE: join(dir, 'ledger.seed'), MILLRACE_LEDGER_DIR: join(dir, 'ledger'),
      MILLRACE_WITNESS_HTTP_URL: 'http://127.0.0.1:1', MILLRACE_WITNESS_KEY: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    },
  });
  children.push(child);
  return child;
};

const storeAt = (url: string): PgEventStore => {
  const store = PgEventStore.connect({ url, applicationName: 'spec' });
  open.push(() => store.close());
  return store;
};
const linkUp = async (service: string): Promise<BusLink> => {
  const link = BusLink.open({ url: natsUrl(), service });
  open.push(() => link.close());
  await link.ready(30_000);
  return link;
};
const relayFrom = async (url: string): Promise<Relay> => {
  const relay = new Relay({ reader: storeAt(url), link: await linkUp('backbone') });
  relay.start();
  open.push(() => relay.stop());
  return relay;
};
interface Kept { readonly marks: Map<string, LogMark>; readonly ids: string[] }
const nothing = (): Kept => ({ marks: new Map(), ids: [] });
const consumeFrom = async (url: string, kept: Kept, link?: BusLink): Promise<OrderedConsumers> => {
  const handler: BatchHandler = {
    load: async ({ tenant }) => kept.marks.get(tenant),
    apply: async (batch) => {
      kept.ids.push(...batch.events.map((event) => event.envelope.id));
      kept.marks.set(batch.log.tenant, batch.mark);
    },
  };
  const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader: storeAt(url), handler, ...(link ? { link } : {}) });
  consumers.start();
  open.push(() => consumers.stop());
  return consumers;
};
const standing = <T extends { tenant: string }>(list: readonly T[], log: LogKey): T | undefined => list.find(({ tenant }) => tenant === log.tenant);

/** Ids on the log's stream, by sequence. */
const idsOnStream = async (log: LogKey, epoch: number): Promise<string[]> => {
  const jsm = await jetstreamManager(nc);
  const name = streamNameOf(log, epoch);
  const { state } = await jsm.streams.info(name);
  const ids: string[] = [];
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const message = await jsm.streams.getMessage(name, { seq });
    if (message) ids[seq - 1] = decodeMessage(log, epoch, seq, message.data).envelope.id;
  }
  return ids;
};
const freshLog = (): LogKey => ({ tenant: uniqueTenant(), context: 'sales', shard: 0 });

describe('a relay process', () => {
  it('killed with -9 midway, and its successor beside a second one, leave the stream equal to the log', async () => {
    const log = freshLog();
    for (let part = 0; part < 6; part += 1) await appendOrders(events.appendUrl, log, `p${part}`, 500);
    const [store, jsm] = [storeAt(events.relayUrl), await jetstreamManager(nc)];
    const head = await store.head(log);
    const last = async () => (await jsm.streams.info(streamNameOf(log, head?.epoch ?? 0)).catch(() => undefined))?.state.last_seq ?? 0;
    const first = backbone();
    await eventually('some of it relayed', async () => (await last()) > 0);
    first.kill('SIGKILL');
    backbone();
    backbone();
    await appendOrders(events.appendUrl, log, 'late', 200);
    await eventually('all relayed', async () => (await last()) === 3200);
    const inLog = (await store.read(log, 0, 4000)).map((event) => event.envelope.id);
    expect(await idsOnStream(log, head?.epoch ?? 0)).toEqual(inLog);
    expect(new Set(inLog).size).toBe(3200);
  });
});

describe('a relay process asked to end', () => {
  it('in the middle of its batches finishes them and ends with 0', async () => {
    const log = freshLog();
    const [store, jsm] = [storeAt(events.relayUrl), await jetstreamManager(nc)];
    for (let part = 0; part < 4; part += 1) await appendOrders(events.appendUrl, log, `p${part}`, 3_000);
    const name = streamNameOf(log, (await store.head(log))!.epoch);
    const stateOf = async () => (await jsm.streams.info(name).catch(() => undefined))?.state;
    const child = backbone('pipe');
    let said = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text: Buffer) => { said += text.toString(); });
    const ended = new Promise<number | null>((done) => { child.once('close', (code) => done(code)); });
    await eventually('the first batch', async () => ((await stateOf())?.last_seq ?? 0) > 0);
    child.kill('SIGTERM');
    expect([await ended, said.split('\n').filter((line) => /DrainingConnection|closing failed|drain failed/.test(line))]).toEqual([0, []]);
    const { messages, last_seq: last } = (await stateOf())!;
    expect(messages).toBe(last);
    await relayFrom(events.relayUrl);
    await eventually('all relayed', async () => (await stateOf())?.messages === 12_000);
    expect(await stateOf()).toMatchObject({ first_seq: 1, last_seq: 12_000 });
  });
});

describe('the event database restored from a backup, alone', () => {
  it('stops the relay and every consumer that is ahead as diverged, and lets those behind go on', async () => {
    const log = freshLog();
    await appendOrders(events.appendUrl, log, 'before', 30);
    const [ahead, behind] = [nothing(), nothing()];
    const early = await consumeFrom(events.relayUrl, behind);
    await eventually('thirty consumed', () => standing(early.status(), log)?.position === 30);
    for (const close of open.splice(0).toReversed()) await close();

    const backup = await events.copy();
    await appendOrders(events.appendUrl, log, 'after', 20);
    const relay = await relayFrom(events.relayUrl);
    await eventually('fifty relayed', () => standing(relay.status(), log)?.relayed === 50);
    const late = await consumeFrom(events.relayUrl, ahead, await linkUp('analytics'));
    await eventually('fifty consumed', () => standing(late.status(), log)?.position === 50);
    for (const close of open.splice(0).toReversed()) await close();

    const [stale, aheadAgain, behindAgain] = [await relayFrom(backup.relayUrl), await consumeFrom(backup.relayUrl, ahead, await linkUp('analytics')), await consumeFrom(backup.relayUrl, behind)];
    const diverged = await eventually('relay diverged', () => { const status = standing(stale.status(), log); return status?.state === 'diverged' && status; });
    expect(diverged.reason).toBe('the stream ends at sequence 50, ahead of the log, which ends at 30');
    const stopped = await eventually('consumer diverged', () => { const status = standing(aheadAgain.status(), log); return status?.state === 'diverged' && status; });
    expect(stopped.reason).toContain('the checkpoint is at position 50, ahead of the log');
    await eventually('the one behind runs', () => standing(behindAgain.status(), log)?.state === 'running');
    expect(ahead.ids.filter((id) => /^(before|after)-/.test(id))).toHaveLength(50);
    for (const close of open.splice(0).toReversed()) await close();
    await backup.drop();
  });

  it('is relayed again under a renewed epoch, to a stream of its own', async () => {
    const log = freshLog();
    await appendOrders(events.appendUrl, log, 'a', 10);
    const relay = await relayFrom(events.relayUrl);
    const before = await eventually('relayed', () => { const status = standing(relay.status(), log); return status?.relayed === 10 && status; });
    const epoch = await withClient(events.database.url, (client) => renewEpoch(client, log));
    const after = await eventually('relayed anew', () => { const status = standing(relay.status(), log); return status?.epoch === epoch && status.relayed === 10 && status; });
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await idsOnStream(log, epoch)).toEqual(await idsOnStream(log, before.epoch));
  });
});
