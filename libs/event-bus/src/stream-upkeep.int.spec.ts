import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { eventually, natsUrl, uniqueTenant } from '@millrace/testing';
import type { LogKey, LogMark } from '@millrace/kernel';
import type { BatchHandler, EventBatch } from './batch.ts';
import { LogStream } from './jetstream-stream.ts';
import { BusLink } from './link.ts';
import { decodeMessage } from './message.ts';
import { OrderedConsumers } from './ordered-consumers.ts';
import { Relay, type RelayOptions } from './relay.ts';
import { StreamComparison } from './stream-comparison.ts';
import { consumerNameOf, logSubjectFilter, streamNameOf } from './subject.ts';
import { LogInMemory, sampleEvent } from './testing.ts';

let nc: NatsConnection;
let jsm: JetStreamManager;
const open: { stop(): Promise<void> }[] = [];
const stopAll = async () => { for (const opened of open.splice(0).toReversed()) await opened.stop(); };
const linked = (service: string): BusLink => {
  const link = BusLink.open({ url: natsUrl(), service });
  open.push({ stop: () => link.close() });
  return link;
};
const relaying = (log: LogInMemory, options: Partial<RelayOptions> = {}): Relay => {
  const relay = new Relay({ reader: log, link: linked('backbone'), ...options });
  relay.start();
  open.push(relay);
  return relay;
};
const status = (relay: Relay) => relay.status()[0];
const relayed = (relay: Relay, position: number) => eventually(`${position} relayed`, () => status(relay)?.relayed === position && status(relay)?.state === 'relaying');
const stateOf = async (log: LogInMemory) => (await jsm.streams.info(streamNameOf(log.log, log.epoch))).state;
const idsOn = async (log: LogInMemory): Promise<[number, string][]> => {
  const { first_seq, last_seq } = await stateOf(log);
  const ids: [number, string][] = [];
  for (let seq = first_seq; seq <= last_seq; seq += 1) {
    const message = await jsm.streams.getMessage(streamNameOf(log.log, log.epoch), { seq });
    if (message) ids.push([seq, decodeMessage(log.log, log.epoch, seq, message.data).envelope.id]);
  }
  return ids;
};
const inLog = (log: LogInMemory, from = 1): [number, string][] => log.events.slice(from - 1).map(({ position, envelope }) => [position, envelope.id]);

beforeAll(async () => {
  nc = await connect({ servers: natsUrl() });
  jsm = await jetstreamManager(nc);
});
afterEach(stopAll);
afterAll(() => nc.close());

const quick = { comparison: { everyMs: 20, drawn: 4, swept: 50 } };

describe('a stream that is refilled', () => {
  it('because its messages are in the form of another version keeps its range and holds the same events', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50);
    const [subject, subjects] = [`${logSubjectFilter(log.log, log.epoch).slice(0, -1)}order.placed`, [logSubjectFilter(log.log, log.epoch)]];
    await jsm.streams.add({ name: streamNameOf(log.log, log.epoch), subjects, first_seq: 11, allow_direct: true });
    for (let position = 11; position <= 40; position += 1) nc.publish(subject, 'of another form');
    await eventually('messages of another form', async () => (await stateOf(log)).last_seq === 40);
    await relayed(relaying(log), 50);
    expect(await idsOn(log)).toEqual(inLog(log, 11));
  });

  it('never because of its form when it is ahead of the log: that is a divergence', async () => {
    const log = new LogInMemory(uniqueTenant()).append(5);
    await jsm.streams.add({ name: streamNameOf(log.log, log.epoch), subjects: [logSubjectFilter(log.log, log.epoch)], first_seq: 10, allow_direct: true });
    const relay = relaying(log);
    await eventually('divergence', () => status(relay)?.state === 'diverged');
    expect([(await stateOf(log)).last_seq, status(relay)?.reason]).toEqual([9, 'the stream ends at sequence 9, ahead of the log, which ends at 5']);
  });

  it.each([1, 40, 100, 101])('from position %d holds the log from there on, sequence for position, and follows it', async (from) => {
    const log = new LogInMemory(uniqueTenant()).append(100);
    const relay = relaying(log);
    await relayed(relay, 100);
    relay.refill(log.log, from);
    await eventually('made anew', async () => (await stateOf(log)).first_seq === from && status(relay)?.relayed === 100);
    log.append(5);
    await relayed(relay, 105);
    expect(await idsOn(log)).toEqual(inLog(log, from));
  });

  it('leaves a consumer with every event once, read from the log meanwhile', async () => {
    const log = new LogInMemory(uniqueTenant()).append(300);
    const relay = relaying(log);
    await relayed(relay, 300);
    const model = new Applied();
    consuming(log, model);
    await eventually('consumed', () => model.mark?.position === 300);
    relay.refill(log.log, 250);
    log.append(100);
    await relayed(relay, 400);
    await eventually('consumed', () => model.mark?.position === 400);
    expect(model.ids).toEqual(log.events.map(({ envelope }) => envelope.id));
  });

  it('is refused beyond the log, and for a log the relay doesn\'t follow', async () => {
    const log = new LogInMemory(uniqueTenant()).append(10);
    const relay = relaying(log);
    await relayed(relay, 10);
    for (const from of [0, 12, 1.5]) expect(() => relay.refill(log.log, from)).toThrow(expect.objectContaining({ code: 'refill-out-of-range' }));
    expect(() => relay.refill({ ...log.log, shard: 9 }, 1)).toThrow(expect.objectContaining({ code: 'log-not-relayed' }));
    expect((await stateOf(log)).first_seq).toBe(1);
  });
});

describe('a stream compared with its log', () => {
  it.each([1, 77, 199])('that differs at position %d alone stops the relay there, whatever its end is, until it is refilled', async (position) => {
    const log = new LogInMemory(uniqueTenant()).append(200);
    await relayed(relaying(log), 200);
    await stopAll();
    log.events[position - 1] = sampleEvent(log.log, log.epoch, position, { data: { forged: true } });
    const relay = relaying(log, quick);
    const found = await eventually('diverged', () => status(relay)?.state === 'diverged' && status(relay));
    expect(found?.reason).toMatch(new RegExp(`^the message at sequence ${position} is another event than the log's at that position \\(leaf [0-9a-f]{12}…, in the log [0-9a-f]{12}…\\)$`));
    log.append(10);
    expect((await stateOf(log)).last_seq).toBe(200);
    relay.refill(log.log, 1);
    await relayed(relay, 210);
    expect(await idsOn(log)).toEqual(inLog(log));
  });

  it('is looked at everywhere in the end, and evenly by chance before', async () => {
    const log = new LogInMemory(uniqueTenant()).append(120);
    await relayed(relaying(log), 120);
    const asked: number[] = [];
    const reader = { heads: log.heads.bind(log), head: log.head.bind(log), read: log.read.bind(log), mark: async (key: LogKey, position: number) => { asked.push(position); return log.mark(key, position); } };
    const comparison = new StreamComparison(reader, log.log, { everyMs: 1, drawn: 6, swept: 50 });
    const stream = await LogStream.of(nc, log.log, log.epoch);
    for (let round = 0; round < 3; round += 1) {
      expect(await comparison.sample(stream)).toBeUndefined();
      const drawn = asked.slice(-(round < 2 ? 56 : 26)).slice(0, 6);
      expect(drawn.map((position) => Math.floor((position - 1) / 20))).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(new Set(asked).size).toBe(120);
  });

  it('agrees while it is written, ages and starts late', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50, { data: { text: 'x'.repeat(5_000) } });
    const states = new Set<string>();
    const relay = relaying(log, { comparison: { everyMs: 1, drawn: 8, swept: 20 }, limits: { maxBytes: 100_000, maxAgeMs: 3_600_000 }, onChange: ({ state }) => states.add(state) });
    for (let end = 100; end <= 600; end += 50) {
      log.append(50, { data: { text: 'x'.repeat(5_000) } });
      await relayed(relay, end);
    }
    expect((await stateOf(log)).first_seq).toBeGreaterThan(500);
    expect(states).not.toContain('diverged');
  });
});

/** A read model in memory. */
class Applied implements BatchHandler {
  readonly ids: string[] = [];
  mark: LogMark | undefined;
  async load(): Promise<LogMark | undefined> { return this.mark; }
  async apply({ events, mark }: EventBatch): Promise<void> {
    this.ids.push(...events.map(({ envelope }) => envelope.id));
    this.mark = mark;
  }
}
const consuming = (log: LogInMemory, handler: BatchHandler, instance?: number, onApplied?: (from: string, events: number) => void): OrderedConsumers => {
  const consumers = new OrderedConsumers({
    service: 'analytics', contexts: ['sales'], reader: log, handler, link: linked('analytics'), ...(instance === undefined ? {} : { instance }), onApplied: (_, events, from) => onApplied?.(from, events),
  });
  consumers.start();
  open.push(consumers);
  return consumers;
};

describe('retention', () => {
  it('by size and by age is given to a stream that has another, without losing its place', async () => {
    const log = new LogInMemory(uniqueTenant()).append(100, { data: { text: 'x'.repeat(2_000) } });
    await relayed(relaying(log), 100);
    await stopAll();
    const limits = { maxBytes: 50_000, maxAgeMs: 60_000 };
    const relay = relaying(log, { limits });
    await relayed(relay, 100);
    const { config, state } = await jsm.streams.info(streamNameOf(log.log, log.epoch));
    expect(config).toMatchObject({ max_bytes: 50_000, max_age: 60_000 * 1_000_000, allow_atomic: true });
    expect([state.first_seq > 70, state.last_seq]).toEqual([true, 100]);
    log.append(10);
    await relayed(relay, 110);
  });

  it('that has taken events away, by size or age, sends a consumer to the log for them and back to the stream', async () => {
    for (const limits of [{ maxBytes: 60_000, maxAgeMs: 3_600_000 }, { maxBytes: 2 ** 24, maxAgeMs: 150 }]) {
      const log = new LogInMemory(uniqueTenant()).append(200, { data: { text: 'x'.repeat(1_000) } });
      const relay = relaying(log, { limits, comparison: { everyMs: 10, drawn: 4, swept: 4 } });
      await relayed(relay, 200);
      await eventually('aged', async () => (await stateOf(log)).first_seq > 100);
      const model = new Applied();
      const from: Record<string, number> = { log: 0, stream: 0 };
      consuming(log, model, undefined, (origin, events) => { from[origin] = (from[origin] ?? 0) + events; });
      await eventually('consumed', () => model.mark?.position === 200);
      for (let more = 0; from['stream'] === 0 && more < 200; more += 1) {
        log.append(5, { data: { text: 'x'.repeat(1_000) } });
        await eventually('consumed', () => model.mark?.position === log.events.length);
      }
      expect(model.ids).toEqual(log.events.map(({ envelope }) => envelope.id));
      expect([from['log']! >= 100, from['stream']! > 0]).toEqual([true, true]);
      expect(status(relay)?.state).toBe('relaying');
      await stopAll();
    }
  });
});

describe('several batches in flight', () => {
  it('of two relays, one of them stopped over and over, put every event on the stream once and in order', async () => {
    const log = new LogInMemory(uniqueTenant()).append(12_000);
    const steady = relaying(log);
    for (let round = 0; round < 6; round += 1) {
      const other = relaying(log);
      await eventually('it has looked', () => (status(other)?.relayed ?? 0) > 0);
      log.append(1_500);
      await open.pop()!.stop();
      await open.pop()!.stop();
    }
    await relayed(steady, 21_000);
    const { messages, first_seq, last_seq, num_deleted } = await stateOf(log);
    expect([messages, first_seq, last_seq, num_deleted ?? 0]).toEqual([21_000, 1, 21_000, 0]);
    const comparison = new StreamComparison(log, log.log, { everyMs: 1, drawn: 1_000, swept: 0 });
    expect(await comparison.sample(await LogStream.of(nc, log.log, log.epoch))).toBeUndefined();
  });
});

describe('two instances of a service', () => {
  it('have a consumer each, so that each gets the whole log', async () => {
    const log = new LogInMemory(uniqueTenant()).append(700);
    await relayed(relaying(log), 700);
    const models = [new Applied(), new Applied()];
    models.forEach((model, instance) => { consuming(log, model, instance); });
    await eventually('both consumed', () => models.every((model) => model.mark?.position === 700));
    log.append(700);
    await relayed(relaying(log), 1400);
    await eventually('both consumed', () => models.every((model) => model.mark?.position === 1400));
    for (const model of models) expect(model.ids).toEqual(log.events.map(({ envelope }) => envelope.id));
    const names: string[] = [];
    for await (const { name } of jsm.consumers.list(streamNameOf(log.log, log.epoch))) names.push(name);
    expect(names.toSorted()).toEqual(['analytics', 'analytics-1']);
  });

  it('have numbers that permissions know', () => {
    expect([0, 1, 3].map((instance) => consumerNameOf('analytics', instance))).toEqual(['analytics', 'analytics-1', 'analytics-3']);
    for (const instance of [-1, 4, 0.5]) expect(() => consumerNameOf('analytics', instance)).toThrow(expect.objectContaining({ code: 'instance-out-of-range' }));
  });
});
