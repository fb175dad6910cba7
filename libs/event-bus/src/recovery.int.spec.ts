import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { eventually, natsUrl, uniqueTenant } from '@millrace/testing';
import type { LogKey, LogMark } from '@millrace/kernel';
import type { BatchHandler, EventBatch } from './batch.ts';
import { BusLink } from './link.ts';
import { LogInMemory } from './testing.ts';
import { OrderedConsumers } from './ordered-consumers.ts';
import { Relay } from './relay.ts';
import { streamNameOf } from './subject.ts';

/** A read model in memory: what was applied at which position, with the mark. */
class ReadModel implements BatchHandler {
  readonly byPosition = new Map<number, string>();
  mark: LogMark | undefined;
  readonly calls: string[] = [];

  constructor(private readonly log: LogKey, can: { adopt?: boolean; reset?: boolean } = { adopt: true, reset: true }) {
    if (!can.adopt) Object.assign(this, { adopt: undefined });
    if (!can.reset) Object.assign(this, { reset: undefined });
  }

  async load(): Promise<LogMark | undefined> {
    return this.mark;
  }

  async logs(): Promise<LogKey[]> {
    return this.mark ? [this.log] : [];
  }

  async apply({ events, mark }: EventBatch): Promise<void> {
    for (const { position, envelope } of events) {
      if (this.byPosition.has(position)) throw new Error(`position ${position} twice`);
      this.byPosition.set(position, envelope.id);
    }
    this.mark = mark;
  }

  async adopt(_log: LogKey, mark: LogMark): Promise<void> {
    this.calls.push(`adopt ${mark.position}`);
    this.mark = mark;
  }

  async reset(): Promise<void> {
    this.calls.push('reset');
    this.byPosition.clear();
    this.mark = undefined;
  }
}

let nc: NatsConnection;
const open: { stop(): Promise<void> }[] = [];
const stopAll = async () => { for (const opened of open.splice(0).toReversed()) await opened.stop(); };
const linked = (service: string): BusLink => {
  const link = BusLink.open({ url: natsUrl(), service });
  open.push({ stop: () => link.close() });
  return link;
};
const relaying = (log: LogInMemory, changes: string[] = []): Relay => {
  const relay = new Relay({ reader: log, link: linked('backbone'), ownsStreams: true, onChange: ({ tenant, state }) => { if (tenant === log.log.tenant) changes.push(state); } });
  relay.start();
  open.push(relay);
  return relay;
};
const consuming = (log: LogInMemory, handler: BatchHandler, link?: BusLink): OrderedConsumers => {
  const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader: log, handler, ...(link ? { link } : {}) });
  consumers.start();
  open.push(consumers);
  return consumers;
};
const statusOf = <T extends { tenant: string }>(list: readonly T[], log: LogInMemory): T | undefined => list.find(({ tenant }) => tenant === log.log.tenant);
const ids = (log: LogInMemory): string[] => log.events.map(({ envelope }) => envelope.id);
const at = (consumers: OrderedConsumers, log: LogInMemory, position: number) =>
  eventually(`at ${position}`, () => { const status = statusOf(consumers.status(), log); return status?.state === 'running' && status.position === position && status.epoch === log.epoch && status; });

beforeAll(async () => { nc = await connect({ servers: natsUrl() }); });
afterEach(stopAll);
afterAll(() => nc.close());

describe('a relay over a database restored to before', () => {
  it('its log was made reports the log from its stream alone, with the end it has there', async () => {
    const log = new LogInMemory(uniqueTenant()).append(40);
    const first = relaying(log);
    await eventually('relayed', () => statusOf(first.status(), log)?.relayed === 40);
    await stopAll();
    log.gone = true;
    const changes: string[] = [];
    const second = relaying(log, changes);
    const lost = await eventually('diverged', () => { const status = statusOf(second.status(), log); return status?.state === 'diverged' && status; });
    expect(lost).toEqual({ tenant: log.log.tenant, log: 'sales/0', epoch: log.epoch, head: 0, relayed: 40, state: 'diverged', reason: `the stream ${streamNameOf(log.log, log.epoch)} ends at 40, but the event database has no log ${log.log.tenant} sales/0` });
    expect(changes).toEqual(['diverged']);
    // Recovered: there is a log again, of a later epoch than the stream.
    log.gone = false;
    log.events = [];
    log.renew();
    await eventually('no longer diverged', () => statusOf(second.status(), log) === undefined);
    log.append(3);
    await eventually('relayed anew', () => { const status = statusOf(second.status(), log); return status?.relayed === 3 && status.state === 'relaying' && status.epoch === log.epoch; });
  });

  it('its epoch was made relays nothing until the log has a later one', async () => {
    const log = new LogInMemory(uniqueTenant()).append(20);
    const older = log.epoch;
    log.renew();
    const first = relaying(log);
    await eventually('relayed', () => statusOf(first.status(), log)?.relayed === 20);
    await stopAll();
    const newer = log.epoch;
    log.epoch = older;
    log.restoreTo(10);
    const second = relaying(log);
    const held = await eventually('diverged', () => { const status = statusOf(second.status(), log); return status?.state === 'diverged' && status; });
    expect(held.reason).toBe(`the stream ${streamNameOf(log.log, newer)}, which ends at 20, is of a later epoch than the log, which is of epoch ${older}`);
    log.epoch = newer + 1;
    await eventually('relayed anew', () => { const status = statusOf(second.status(), log); return status?.relayed === 10 && status.state === 'relaying' && status.epoch === newer + 1; });
    expect((await (await jetstreamManager(nc)).streams.info(streamNameOf(log.log, newer))).state.last_seq).toBe(20);
  });
});

describe('a consumer after a recovery', () => {
  const consumed = async (count: number, can?: { adopt?: boolean; reset?: boolean }) => {
    const log = new LogInMemory(uniqueTenant()).append(count);
    const model = new ReadModel(log.log, can);
    await at(consuming(log, model), log, count);
    await stopAll();
    return { log, model };
  };

  it('stays diverged, with epoch, position and leaf, until the recovery is recorded', async () => {
    const { log, model } = await consumed(30);
    log.restoreTo(20).renew(false);
    const consumers = consuming(log, model);
    const status = await eventually('diverged', () => { const found = statusOf(consumers.status(), log); return found?.state === 'diverged' && found; });
    expect(status).toMatchObject({ epoch: log.epoch - 60, position: 30, leaf: Buffer.from(model.mark!.leaf).toString('hex') });
    expect(model.calls).toEqual([]);
    log.recoveries.push({ epoch: log.epoch, previousEpoch: log.epoch - 60, fromPosition: 21, head: 20, previousHead: 30, reason: 'spec', at: '2026-11-01T00:00:00.000Z' });
    await at(consumers, log, 20);
    expect(model.calls).toEqual(['reset']);
    expect([...model.byPosition.values()]).toEqual(ids(log));
  });

  it.each([['that was behind the restored end goes on where it was', 10, 0, ['adopt 10']], ['that was at the very end goes on where it was', 10, 10, ['adopt 10']]])('%s', async (_, behind, cut, calls) => {
    const { log, model } = await consumed(behind);
    log.append(20).restoreTo(cut === 0 ? 25 : cut, 5).renew();
    await at(consuming(log, model), log, log.events.length);
    expect(model.calls).toEqual(calls);
    expect([...model.byPosition.values()]).toEqual(ids(log));
  });

  it('that was ahead, or holds another event at its position, starts over and ends equal to the log', async () => {
    for (const grown of [0, 40]) {
      const { log, model } = await consumed(30);
      log.restoreTo(12, grown).renew();
      await at(consuming(log, model), log, 12 + grown);
      expect(model.calls).toEqual(['reset']);
      expect([...model.byPosition.values()]).toEqual(ids(log));
      await stopAll();
    }
  });

  it('whose effects name the epoch starts over also where it could go on, and one that can\'t start over stands still', async () => {
    const { log, model } = await consumed(10, { reset: true });
    log.append(5).renew();
    await at(consuming(log, model), log, 15);
    expect(model.calls).toEqual(['reset']);
    const { log: other, model: fixed } = await consumed(10, {});
    other.restoreTo(5).renew();
    const consumers = consuming(other, fixed);
    await eventually('diverged', () => statusOf(consumers.status(), other)?.state === 'diverged');
    expect(fixed.mark?.position).toBe(10);
  });

  it('of a log that is gone says so, though no head names it, and starts over once there is one', async () => {
    const { log, model } = await consumed(8);
    log.gone = true;
    const consumers = consuming(log, model);
    const status = await eventually('diverged', () => { const found = statusOf(consumers.status(), log); return found?.state === 'diverged' && found; });
    expect(status).toMatchObject({ position: 8, reason: `the checkpoint is at position 8, but the event database has no log ${log.log.tenant} sales/0` });
    log.gone = false;
    log.events = [];
    log.renew().append(3);
    await at(consumers, log, 3);
    expect([...model.byPosition.values()]).toEqual(ids(log));
  });

  it('that runs all the while, on the bus, follows the log into its new epoch', async () => {
    const log = new LogInMemory(uniqueTenant()).append(50);
    relaying(log);
    const model = new ReadModel(log.log);
    const consumers = consuming(log, model, linked('analytics'));
    await at(consumers, log, 50);
    log.restoreTo(20).renew().append(5);
    await at(consumers, log, 25);
    expect([...model.byPosition.values()]).toEqual(ids(log));
  });

  it('that slept through it applies nothing it reads of the new epoch as the old', async () => {
    const log = new LogInMemory(uniqueTenant()).append(10);
    const model = new ReadModel(log.log, { reset: true });
    const consumers = consuming(log, model);
    await at(consumers, log, 10);
    // Same events, another epoch: only the epoch tells.
    log.renew(false).append(5);
    await eventually('diverged', () => statusOf(consumers.status(), log)?.state === 'diverged');
    expect(model.mark).toMatchObject({ position: 10, epoch: log.epoch - 60 });
  });
});
