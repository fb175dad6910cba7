import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import fc from 'fast-check';
import { eventually, natsUrl, uniqueTenant } from '@millrace/testing';
import { DomainError, type LogKey, type LogMark } from '@millrace/kernel';
import type { BatchHandler, ConsumerStatus, EventBatch } from './batch.ts';
import { BusLink } from './link.ts';
import { LogInMemory, sampleEvent } from './testing.ts';
import { routed } from './message.ts';
import { LogStream } from './jetstream-stream.ts';
import { OrderedConsumers, type OrderedConsumersOptions } from './ordered-consumers.ts';
import { Relay } from './relay.ts';
import { streamNameOf } from './subject.ts';

/** A read model in memory: effect and mark move together, or neither when `fault` throws. */
class Ledger implements BatchHandler {
  readonly ids: string[] = [];
  readonly sizes: number[] = [];
  mark: LogMark | undefined;
  fault: (batch: EventBatch) => void = () => undefined;

  async load(_log: LogKey): Promise<LogMark | undefined> {
    return this.mark;
  }

  async apply(batch: EventBatch): Promise<void> {
    this.fault(batch);
    this.ids.push(...batch.events.map((event) => event.envelope.id));
    this.sizes.push(batch.events.length);
    this.mark = batch.mark;
  }
}

let nc: NatsConnection;
const open: { stop(): Promise<void> }[] = [];
const stopAll = async () => { for (const opened of open.splice(0).toReversed()) await opened.stop(); };

const linked = (url = natsUrl()): BusLink => {
  const link = BusLink.open({ url, service: 'analytics' });
  open.push({ stop: () => link.close() });
  return link;
};
const upLink = async (): Promise<BusLink> => {
  const link = linked();
  await link.ready(30_000);
  return link;
};
const relaying = async (log: LogInMemory, upTo = log.events.length): Promise<Relay> => {
  const relay = new Relay({ reader: log, link: linked() });
  relay.start();
  open.push(relay);
  await eventually('relayed', () => relay.status()[0]?.relayed === upTo);
  return relay;
};
const origins = { stream: 0, log: 0 };
beforeEach(() => Object.assign(origins, { stream: 0, log: 0 }));
const consuming = (log: LogInMemory, handler: BatchHandler, options: Partial<OrderedConsumersOptions> = {}): OrderedConsumers => {
  const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader: log, handler, onApplied: (_, events, from) => { origins[from] += events; }, ...options });
  consumers.start();
  open.push(consumers);
  return consumers;
};
const at = (consumers: OrderedConsumers, position: number): Promise<ConsumerStatus> => eventually(`position ${position} consumed`, () => {
  const status = consumers.status()[0];
  return status?.position === position && status;
});
const stateIs = (consumers: OrderedConsumers, state: string): Promise<ConsumerStatus> => eventually(state, () => consumers.status().find((status) => status.state === state));
const allIds = (log: LogInMemory) => log.events.map((event) => event.envelope.id);

beforeAll(async () => { nc = await connect({ servers: natsUrl() }); });
afterEach(stopAll);
afterAll(() => nc.close());

describe('an ordered consumer', () => {
  it('applies every event once and in order, from the stream, and follows it', async () => {
    const log = new LogInMemory(uniqueTenant()).append(2300);
    await relaying(log);
    const ledger = new Ledger();
    const consumers = consuming(log, ledger, { link: await upLink(), reader: log.without(1, 2340) });
    await at(consumers, 2300);
    log.append(40);
    await at(consumers, 2340);
    expect(ledger.ids).toEqual(allIds(log));
    expect(origins).toEqual({ stream: 2340, log: 0 });
    expect(ledger.mark).toEqual({ epoch: log.epoch, position: 2340, leaf: log.events[2339]?.leaf });
    expect(consumers.status()).toEqual([{ tenant: log.log.tenant, log: 'sales/0', epoch: log.epoch, position: 2340, leaf: Buffer.from(log.events[2339]?.leaf ?? []).toString('hex'), state: 'running', parked: 0 }]);
  });

  it('takes far more than a pull holds from the stream alone, without a word', async () => {
    const log = new LogInMemory(uniqueTenant()).append(3000, { data: { text: 'x'.repeat(200) } }).append(60, { data: { text: 'x'.repeat(500_000) } }).append(3000);
    await relaying(log);
    const [ledger, errors] = [new Ledger(), new Array<string>()];
    await at(consuming(log, ledger, { link: await upLink(), reader: log.without(1, 6060), onError: (error) => errors.push(String(error)) }), 6060);
    expect(ledger.ids).toEqual(allIds(log));
    expect(origins).toEqual({ stream: 6060, log: 0 });
    // A server that is slow to answer may be worth a word, a pull that is full never.
    expect(errors.filter((error) => /completed|maxbytes/i.test(error))).toEqual([]);
  });

  /** A consumer that has applied the one event of its log, from the stream, and gathers for `gatherMs` from then on. */
  const gathering = async (gatherMs: number) => {
    // One event comes in one piece; several may come in two, of which the second would be gathered too.
    const log = new LogInMemory(uniqueTenant()).append(1);
    const stream = await LogStream.of(nc, log.log, log.epoch);
    await stream.create(1);
    await stream.publish(0, log.events.map(routed));
    const ledger = new Ledger();
    const appliedAt: number[] = [];
    ledger.fault = () => { appliedAt.push(Date.now()); };
    const errors: unknown[] = [];
    const consumers = consuming(log, ledger, { link: await upLink(), reader: log.without(1, 31), gatherMs, batchEvents: 30, onError: (error) => errors.push(error) });
    await at(consumers, 1);
    const publish = async (count: number): Promise<void> => {
      const before = log.events.length;
      log.append(count);
      await stream.publish(before, log.events.slice(before).map(routed));
    };
    return { log, ledger, appliedAt, consumers, publish, errors };
  };

  it('gathers what comes soon after a batch into the next one, and does not wait for more once that is full', async () => {
    const { log, ledger, consumers, publish, errors } = await gathering(600_000);
    for (const part of [10, 10, 10]) await publish(part);
    // Were it to wait out its time, this would outlast the test.
    await at(consumers, 31);
    expect(ledger.ids).toEqual(allIds(log));
    // A pull that fails because the server falls silent ends the gathering, rightly.
    expect(errors.length > 0 ? [1, 30] : ledger.sizes).toEqual([1, 30]);
  });

  it('begins a batch that does not fill up no sooner than its time after the last one', async () => {
    const { log, ledger, appliedAt, consumers, publish, errors } = await gathering(1_500);
    await publish(10);
    await at(consumers, 11);
    expect(ledger.ids).toEqual(allIds(log));
    expect(errors.length > 0 || (appliedAt[1] ?? 0) - (appliedAt[0] ?? 0) >= 1_000).toBe(true);
  });

  it('stops while it gathers', async () => {
    const { log, ledger, consumers, publish } = await gathering(600_000);
    await publish(5);
    await consumers.stop();
    expect(ledger.ids).toEqual(allIds(log).slice(0, ledger.ids.length));
  });

  it('takes what is ready behind an event along with it', async () => {
    const events = 3000;
    const log = new LogInMemory(uniqueTenant()).append(events, { data: { text: 'x'.repeat(1000) } });
    await relaying(log);
    const ledger = new Ledger();
    await at(consuming(log, ledger, { link: await upLink(), reader: log.without(1, events), batchEvents: 10_000 }), events);
    expect(origins).toEqual({ stream: events, log: 0 });
    // One of a pull; a second where the server falls silent for longer than it is waited for.
    expect(ledger.sizes.length).toBeLessThan(6);
  });

  it('reads only logs of its contexts', async () => {
    const log = new LogInMemory(uniqueTenant(), 'customer').append(5);
    const sales = new LogInMemory(uniqueTenant()).append(5);
    const ledger = new Ledger();
    const both = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], handler: ledger, reader: { heads: async () => [...await log.heads(), ...await sales.heads()], head: (key) => sales.head(key), read: (...args) => sales.read(...args), mark: (...args) => sales.mark(...args) } });
    both.start();
    open.push(both);
    await at(both, 5);
    expect(both.status()).toHaveLength(1);
  });

  it('reads Postgres alone while there is no bus at all', async () => {
    const log = new LogInMemory(uniqueTenant()).append(1700);
    const ledger = new Ledger();
    const consumers = consuming(log, ledger, { link: linked('nats://127.0.0.1:1') });
    await at(consumers, 1700);
    log.append(3);
    await at(consumers, 1703);
    expect(ledger.ids).toEqual(allIds(log));
  });

  it('reads Postgres for what is older than the stream, and the stream for the rest', async () => {
    const log = new LogInMemory(uniqueTenant()).append(1000);
    const stream = await LogStream.of(nc, log.log, log.epoch);
    await stream.create(901);
    await stream.publish(900, log.events.slice(900).map(routed));
    const ledger = new Ledger();
    const consumers = consuming(log, ledger, { link: await upLink(), reader: log.without(901, 1000), batchEvents: 300 });
    await at(consumers, 1000);
    expect(ledger.ids).toEqual(allIds(log));
    expect(ledger.sizes.slice(0, 3)).toEqual([300, 300, 300]);
    expect(origins).toEqual({ log: 900, stream: 100 });
  });

  it('reads Postgres for what the bus trails behind', async () => {
    const log = new LogInMemory(uniqueTenant()).append(100);
    const stream = await LogStream.of(nc, log.log, log.epoch);
    await stream.create(1);
    await stream.publish(0, log.events.slice(0, 60).map(routed));
    const ledger = new Ledger();
    await at(consuming(log, ledger, { link: await upLink(), reader: log.without(1, 59) }), 100);
    expect(ledger.ids).toEqual(allIds(log));
    expect(origins).toEqual({ stream: 60, log: 40 });
  });

  it('survives the loss of its stream', async () => {
    const log = new LogInMemory(uniqueTenant()).append(100);
    const relay = await relaying(log);
    const ledger = new Ledger();
    const consumers = consuming(log, ledger, { link: await upLink(), reader: log.without(1, 99) });
    await at(consumers, 100);
    await (await jetstreamManager(nc)).streams.delete(streamNameOf(log.log, log.epoch));
    log.append(50);
    await at(consumers, 150);
    await eventually('the stream refilled', () => relay.status()[0]?.relayed === 150);
    log.append(50);
    await at(consumers, 200);
    expect(ledger.ids).toEqual(allIds(log));
    expect(origins.stream).toBeGreaterThanOrEqual(100);
  });

  it('goes on from its checkpoint, replacing the consumer its predecessor left', async () => {
    const log = new LogInMemory(uniqueTenant()).append(300);
    await relaying(log);
    const ledger = new Ledger();
    const first = consuming(log, ledger, { link: await upLink() });
    await at(first, 300);
    await first.stop();
    log.append(100);
    await at(consuming(log, ledger, { link: await upLink() }), 400);
    expect(ledger.ids).toEqual(allIds(log));
  });

  it('tries a failed batch again with back-off and loses nothing', async () => {
    const log = new LogInMemory(uniqueTenant()).append(30);
    const ledger = new Ledger();
    let [away, failures] = [true, 0];
    ledger.fault = () => {
      if (!away) return;
      failures += 1;
      throw new DomainError('unavailable', 'database-away');
    };
    const consumers = consuming(log, ledger);
    expect((await stateIs(consumers, 'stopped')).reason).toBe('database-away: will be tried again');
    await eventually('it is tried again', () => failures > 3);
    away = false;
    await at(consumers, 30);
    expect(ledger.ids).toEqual(allIds(log));
  });

  it('gives the same events in the same order however batches are cut', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 90 }), async (batchEvents, onBus, total) => {
      const log = new LogInMemory(uniqueTenant()).append(total);
      const first = Math.min(onBus, total - 1);
      const stream = await LogStream.of(nc, log.log, log.epoch);
      await stream.create(first + 1);
      await stream.publish(first, log.events.slice(first).map(routed));
      const ledger = new Ledger();
      await at(consuming(log, ledger, { link: await upLink(), batchEvents }), total);
      await stopAll();
      expect(ledger.ids).toEqual(allIds(log));
      expect(Math.max(...ledger.sizes)).toBeLessThanOrEqual(batchEvents);
    }), { numRuns: 12 });
  });
});

describe('a consumer whose log was exchanged', () => {
  const consumed = async (count: number): Promise<{ log: LogInMemory; ledger: Ledger; consumers: OrderedConsumers }> => {
    const [log, ledger] = [new LogInMemory(uniqueTenant()).append(count), new Ledger()];
    const consumers = consuming(log, ledger);
    await at(consumers, count);
    return { log, ledger, consumers };
  };

  it.each([
    ['shorter', 0, 'ahead of the log'],
    ['longer with other events', 40, 'is another one than the checkpoint names (leaf differs)'],
  ])('stops at the next start when it is %s', async (_, grown, words) => {
    const { log, ledger } = await consumed(50);
    await stopAll();
    log.restoreTo(30, grown);
    const status = await stateIs(consuming(log, ledger), 'diverged');
    expect(status.reason).toContain(words);
    expect(status.position).toBe(50);
    expect(ledger.ids).toHaveLength(50);
  });

  it.each([['shorter', 0], ['longer', 40]])('stops while running when it becomes %s', async (_, grown) => {
    const { log, ledger, consumers } = await consumed(50);
    log.restoreTo(30, grown);
    await stateIs(consumers, 'diverged');
    expect(ledger.ids).toHaveLength(50);
  });

  it('stops under another epoch, and goes on when its checkpoint is put right', async () => {
    const { log, ledger, consumers } = await consumed(50);
    log.epoch += 60;
    expect((await stateIs(consumers, 'diverged')).reason).toContain('epoch');
    ledger.mark = { epoch: log.epoch, position: 50, leaf: log.events[49]?.leaf ?? new Uint8Array() };
    log.append(5);
    await at(consumers, 55);
    expect(ledger.ids).toHaveLength(55);
  });

  it('stops when the log is gone', async () => {
    const { log, ledger } = await consumed(5);
    await stopAll();
    const other = new LogInMemory(log.log.tenant);
    other.head = async () => undefined;
    expect((await stateIs(consuming(Object.assign(other, { heads: async () => log.heads() }), ledger), 'diverged')).reason).toContain('has no log');
  });

  it('lets nothing in from a stream that is ahead of the log or holds other events', async () => {
    for (const other of [false, true]) {
      const log = new LogInMemory(uniqueTenant()).append(40);
      const stream = await LogStream.of(nc, log.log, log.epoch);
      await stream.create(1);
      const foreign = Array.from({ length: 30 }, (_, index) => sampleEvent(log.log, log.epoch, index + 31));
      await stream.publish(0, [...log.events.slice(0, 30), ...foreign].map(routed));
      const ledger = new Ledger();
      if (!other) log.restoreTo(30);
      const consumers = consuming(log, ledger, { link: await upLink(), batchEvents: 30 });
      await stateIs(consumers, 'diverged');
      expect(ledger.ids.every((id, index) => id === `e-${index + 1}`)).toBe(true);
      expect(ledger.ids.length).toBeLessThanOrEqual(40);
      await stopAll();
    }
  });
});
