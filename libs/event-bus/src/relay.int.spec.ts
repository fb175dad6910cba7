import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { eventually, freePort, natsUrl, ownNats, uniqueTenant } from '@millrace/testing';
import { DomainError } from '@millrace/kernel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogStream } from './jetstream-stream.ts';
import { BusLink } from './link.ts';
import { LogInMemory } from './testing.ts';
import { decodeMessage } from './message.ts';
import { Relay } from './relay.ts';
import { streamNameOf } from './subject.ts';

let nc: NatsConnection;
let jsm: JetStreamManager;
const open: { stop(): Promise<void> }[] = [];
const relaying = (log: LogInMemory, url = natsUrl()): Relay => {
  const link = BusLink.open({ url, service: 'backbone' });
  const relay = new Relay({ reader: log, link });
  relay.start();
  open.push({ stop: async () => { await relay.stop(); await link.close(); } });
  return relay;
};
const relayed = (relay: Relay, position: number) => eventually(`position ${position} relayed`, () => relay.status()[0]?.relayed === position && relay.status()[0]);
const stateOf = (relay: Relay) => relay.status()[0]?.state;

/** Position -> event id of everything on the log's stream. */
const onStream = async (log: LogInMemory, manager = jsm): Promise<[number, string][]> => {
  const name = streamNameOf(log.log, log.epoch);
  const { state } = await manager.streams.info(name);
  const found: [number, string][] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage(name, { seq });
    if (message) found.push([seq, decodeMessage(log.log, log.epoch, seq, message.data).envelope.id]);
  }
  return found;
};
const inLog = (log: LogInMemory) => log.events.map((event): [number, string] => [event.position, event.envelope.id]);

beforeAll(async () => {
  nc = await connect({ servers: natsUrl() });
  jsm = await jetstreamManager(nc);
});
afterEach(async () => { await Promise.all(open.splice(0).map((opened) => opened.stop())); });
afterAll(() => nc.close());

describe('the relay', () => {
  it('copies a log so that sequence is position, across many batches, and follows it', async () => {
    const log = new LogInMemory(uniqueTenant()).append(2300);
    const relay = relaying(log);
    await relayed(relay, 2300);
    log.append(7);
    await relayed(relay, 2307);
    expect(await onStream(log)).toEqual(inLog(log));
    expect(relay.status()).toEqual([{ tenant: log.log.tenant, log: 'sales/0', epoch: log.epoch, head: 2307, relayed: 2307, state: 'relaying' }]);
  });

  it('doubles and skips nothing when two run at once', async () => {
    const log = new LogInMemory(uniqueTenant()).append(500);
    const relays = [relaying(log), relaying(log)];
    for (let round = 0; round < 20; round += 1) {
      log.append(100);
      await relayed(relays[round % 2] ?? relays[0]!, log.events.length);
    }
    await Promise.all(relays.map((relay) => relayed(relay, 2500)));
    expect(await onStream(log)).toEqual(inLog(log));
  });

  it('goes on from where a stopped relay was, though it kept nothing', async () => {
    const log = new LogInMemory(uniqueTenant()).append(5000);
    const first = relaying(log);
    await eventually('some batches', () => (first.status()[0]?.relayed ?? 0) > 0);
    await open.pop()?.stop();
    await relayed(relaying(log), 5000);
    expect(await onStream(log)).toEqual(inLog(log));
  });

  it('sends events of half a megabyte', async () => {
    const log = new LogInMemory(uniqueTenant()).append(20, { data: { text: 'x'.repeat(500_000) } });
    await relayed(relaying(log), 20);
    expect(await onStream(log)).toEqual(inLog(log));
  });

  it('keeps to its limits, and the stream then starts later than the log', async () => {
    const log = new LogInMemory(uniqueTenant()).append(100, { data: { text: 'x'.repeat(10_000) } });
    const link = BusLink.open({ url: natsUrl(), service: 'backbone' });
    const relay = new Relay({ reader: log, link, limits: { maxBytes: 200_000, maxAgeMs: 3_600_000 } });
    relay.start();
    open.push({ stop: async () => { await relay.stop(); await link.close(); } });
    await relayed(relay, 100);
    const { state } = await jsm.streams.info(streamNameOf(log.log, log.epoch));
    expect(state.last_seq).toBe(100);
    expect(state.first_seq).toBeGreaterThan(50);
  });

  it('takes a head read late for what it is: old news', async () => {
    const log = new LogInMemory(uniqueTenant()).append(100);
    const states: string[] = [];
    const link = BusLink.open({ url: natsUrl(), service: 'backbone' });
    // Heads lag behind what reading finds, as they do under load.
    const reader = { heads: async () => (await log.heads()).map((head) => ({ ...head, position: Math.max(1, head.position - 10) })), head: log.head.bind(log), read: log.read.bind(log), mark: log.mark.bind(log) };
    const relay = new Relay({ reader, link, onChange: (status) => states.push(status.state) });
    relay.start();
    open.push({ stop: async () => { await relay.stop(); await link.close(); } });
    for (let end = 100; end <= 500; end += 100) {
      await eventually('relayed', () => relay.status()[0]?.relayed === end);
      log.append(100);
    }
    expect(states).not.toContain('diverged');
  });

  it('backs off while the event database is away and goes on after', async () => {
    const log = new LogInMemory(uniqueTenant()).append(10);
    const relay = relaying(log);
    await relayed(relay, 10);
    log.outage = new DomainError('unavailable', 'event-store-unavailable');
    log.append(10);
    await eventually('the outage noticed', () => stateOf(relay) === 'waiting');
    log.outage = undefined;
    await relayed(relay, 20);
    expect(stateOf(relay)).toBe('relaying');
  });
});

describe('a restored event database', () => {
  it('that is behind the stream stops the relay as diverged, and nothing is written', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50);
    await relayed(relaying(log), 50);
    await open.pop()?.stop();
    const before = await onStream(log);
    log.restoreTo(30);
    const relay = relaying(log);
    await eventually('divergence', () => stateOf(relay) === 'diverged');
    expect(relay.status()[0]?.reason).toBe('the stream ends at sequence 50, ahead of the log, which ends at 30');
    expect(await onStream(log)).toEqual(before);
  });

  it('that has grown past the stream again is known by its leaf', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50);
    await relayed(relaying(log), 50);
    await open.pop()?.stop();
    log.restoreTo(30, 40);
    const relay = relaying(log);
    await eventually('divergence', () => stateOf(relay) === 'diverged');
    expect(relay.status()[0]?.reason).toBe('the message at sequence 50 is another event than the log\'s at that position (leaf differs)');
  });

  it('is noticed while the relay runs, whether shorter or longer', async () => {
    for (const grown of [0, 40]) {
      const log = new LogInMemory(uniqueTenant()).append(50);
      const relay = relaying(log);
      await relayed(relay, 50);
      log.restoreTo(30, grown);
      expect(await eventually('divergence', () => stateOf(relay) === 'diverged' && relay.status()[0]?.relayed === 50)).toBe(true);
      await open.pop()?.stop();
    }
  });

  it('relays again under a renewed epoch, to a stream of its own', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50);
    const relay = relaying(log);
    await relayed(relay, 50);
    log.restoreTo(30);
    await eventually('divergence', () => stateOf(relay) === 'diverged');
    log.epoch += 60;
    log.append(5);
    await relayed(relay, 35);
    expect(await onStream(log)).toEqual(inLog(log));
    expect((await jsm.streams.info(streamNameOf(log.log, log.epoch - 60))).state.last_seq).toBe(50);
  });
});

it('meets a NATS with room for any number of streams in every run, however small the disk', async () => {
  const log = new LogInMemory(uniqueTenant());
  const stream = await LogStream.of(nc, log.log, log.epoch);
  await stream.create(1, { maxBytes: 2 ** 46, maxAgeMs: 60_000 });
  expect((await jsm.streams.info(streamNameOf(log.log, log.epoch))).config.max_bytes).toBe(2 ** 46);
  await stream.remove();
});

describe('a NATS of its own', () => {
  it('killed and emptied, is refilled from the log while a relay waits', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-relay-'));
    const [port, store] = [await freePort(), join(dir, 'jetstream')];
    await writeFile(join(dir, 'nats.conf'), `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${store}" }\n`);
    const server = await ownNats(join(dir, 'nats.conf'));
    const log = new LogInMemory(uniqueTenant()).append(1500);
    const relay = relaying(log, `nats://127.0.0.1:${port}`);
    await relayed(relay, 1500);
    await server.kill();
    log.append(200);
    await eventually('the outage noticed', () => stateOf(relay) === 'waiting');
    await rm(store, { recursive: true });
    await server.restart();
    await relayed(relay, 1700);
    const again = await connect({ servers: `nats://127.0.0.1:${port}` });
    expect(await onStream(log, await jetstreamManager(again))).toEqual(inLog(log));
    await again.close();
    await open.pop()?.stop();
    await server.remove();
    await rm(dir, { recursive: true });
  });
});
