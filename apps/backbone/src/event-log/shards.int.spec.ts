import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomInt } from 'node:crypto';
import { BusLink, OrderedConsumers, type BatchHandler, type EventBatch } from '@millrace/event-bus';
import { PgEventStore, type AppendUnit, type PlacedOutcome } from '@millrace/event-store';
import { logName, type LogHead, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';
import { eventually, freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import { CONSOLE_TOKEN, guardedNats, PASSWORD, prepared, runBackbone, TOKEN, type RunningBackbone } from '../testing.ts';
import type { LogStanding } from './log-standing.ts';
import type { ShardStanding } from './shard-count.ts';

/** Effects and checkpoints of one consumer over all logs; the events come from wherever the consumer reads them. */
class ReadModel implements BatchHandler {
  readonly marks = new Map<string, LogMark>();
  readonly applied = new Map<string, StoredEvent[]>();

  async load(log: LogKey): Promise<LogMark | undefined> {
    return this.marks.get(logName(log));
  }

  async apply({ log, mark, events }: EventBatch): Promise<void> {
    this.applied.set(logName(log), [...(this.applied.get(logName(log)) ?? []), ...events]);
    this.marks.set(logName(log), mark);
  }
}

const tenant = uniqueTenant();
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);
let serial = 0;
const orderUnit = (stream: string, of = tenant): AppendUnit => {
  const id = `order-event-${serial += 1}`;
  return { stream, expectedVersion: 'any', events: [{
    envelope: { specversion: '1.0', id, source: '/spec', type: 'sales.order.placed', version: 1, tenant: of, stream, time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:01.000Z', via: 'web', fingerprint: createHash('sha256').update(id).digest('hex') },
    data: Buffer.from('{}'),
  }] };
};

let events: TestDatabase;
let nats: Awaited<ReturnType<typeof guardedNats>>;
let running: RunningBackbone;
const opened: { close(): Promise<unknown> }[] = [];
const storeOf = (service: string): PgEventStore => {
  const store = PgEventStore.connect({ url: events.urlAs(`millrace_${service}`, PASSWORD), applicationName: `spec-${service}`, poolSize: 4 });
  opened.push(store);
  return store;
};
beforeAll(async () => {
  [events, nats] = await Promise.all([freshDatabase({ template: 'backbone_events', migrate: prepared }), guardedNats()]);
  running = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: nats.url, seed: nats.seedOf('backbone') });
});
afterAll(async () => {
  for (const one of opened.toReversed()) await one.close();
  await running.close();
  await nats.remove();
  await events.drop();
});

const ask = async (context: string, body?: unknown, token = TOKEN): Promise<{ status: number; answer: ShardStanding & { code?: string } }> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const path = `${running.address}/v1/logs/${context}/shards`;
  const response = await (body === undefined ? fetch(`${path}?tenant=${tenant}`, { headers }) : fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }));
  return { status: response.status, answer: (await response.json()) as ShardStanding };
};

/** Four writers of one process and one of another, each appending to streams of its own, always some new, and to shared ones until told to end. */
const load = (going: () => boolean): Promise<{ sent: Map<string, string[]>; outcomes: PlacedOutcome[] }>[] => {
  const [first, second] = [storeOf('ingestion'), storeOf('ingestion')];
  return range(5).map(async (writer) => {
    const store = writer === 5 ? second : first;
    const sent = new Map<string, string[]>();
    const outcomes: PlacedOutcome[] = [];
    for (let round = 0; going(); round += 1) {
      const streams = range(20).map((n) => (n % 2 === 0 ? `sales.order/shared-${randomInt(60)}` : `sales.order/own-${writer}-${Math.floor(round / 5)}-${n}`));
      const units = streams.map((stream) => orderUnit(stream));
      for (const unit of units) sent.set(unit.stream, [...(sent.get(unit.stream) ?? []), unit.events[0]!.envelope.id]);
      outcomes.push(...await store.appendTo(tenant, 'sales', units, { countAs: 'intake' }));
    }
    return { sent, outcomes };
  });
};

const everything = async (store: PgEventStore, heads: readonly LogHead[]): Promise<StoredEvent[]> => {
  const all: StoredEvent[] = [];
  for (const head of heads) for (let after = 0; after < head.position; after += 1000) all.push(...await store.read(head, after, 1000));
  return all;
};

describe('a count of logs raised while events come in', () => {
  it('breaks no stream\'s order and no consumer\'s position, and needs no restart', async () => {
    const [reader, readModel] = [storeOf('analytics'), new ReadModel()];
    const link = BusLink.open({ url: nats.url, service: 'analytics', seed: nats.seedOf('analytics') });
    const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader, link, handler: readModel });
    consumers.start();
    opened.push({ close: () => link.close() }, { close: () => consumers.stop() });

    let going = true;
    const writers = load(() => going);
    opened.push({ close: () => { going = false; return Promise.allSettled(writers); } });
    const grownTo = (logs: number, events_: number) => eventually(`${events_} events in ${logs} logs`, async () => {
      const heads = await reader.heads(tenant);
      return heads.length >= logs && heads.reduce((sum, head) => sum + head.position, 0) >= events_;
    });
    await grownTo(1, 300);
    expect(await ask('sales', { tenant, shards: 3 })).toMatchObject({ status: 200, answer: { shards: 3, shardsBefore: 1 } });
    await grownTo(3, 1500);
    expect(await ask('sales', { tenant, shards: 6 })).toMatchObject({ status: 200, answer: { shards: 6, shardsBefore: 3 } });
    await grownTo(6, 3000);
    going = false;
    const written = await Promise.all(writers);

    const heads = await reader.heads(tenant);
    const all = await everything(reader, heads);
    const outcomes = written.flatMap((one) => one.outcomes);
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['appended']));
    expect(all).toHaveLength(outcomes.length);
    for (const head of heads) expect(all.filter((event) => event.log.shard === head.shard).map((event) => event.position)).toEqual(range(head.position));
    for (const [stream, ofStream] of Map.groupBy(all, (event) => event.envelope.stream)) {
      expect([stream, new Set(ofStream.map((event) => event.log.shard)).size]).toEqual([stream, 1]);
      expect(ofStream.map((event) => event.streamVersion)).toEqual(range(ofStream.length));
      for (const { sent } of written) {
        const ids = sent.get(stream) ?? [];
        expect(ofStream.map((event) => event.envelope.id).filter((id) => ids.includes(id))).toEqual(ids);
      }
    }

    await eventually('every log consumed to its head', () => heads.every((head) => readModel.marks.get(logName(head))?.position === head.position));
    for (const head of heads) expect(readModel.applied.get(logName(head))?.map((event) => event.position)).toEqual(range(head.position));
    expect(consumers.status().map(({ state }) => state)).not.toContain('diverged');
    const relayed = await eventually('every log on the bus', async () => {
      const { logs } = (await running.json(`/v1/logs?tenant=${tenant}`)) as { logs: LogStanding[] };
      return logs.every((log) => log.relayed === log.head) && logs;
    });
    expect(relayed.filter(({ log }) => log.startsWith('sales/')).map(({ log }) => log)).toEqual(['sales/0', 'sales/1', 'sales/2', 'sales/3', 'sales/4', 'sales/5']);
    expect(await reader.heads(tenant)).toHaveLength(6);
  }, 180_000);

  it('is told once per raise in the tenant\'s backbone/0, also when asked for again', async () => {
    await ask('sales', { tenant, shards: 6 });
    const { events: facts } = (await running.json(`/v1/logs/backbone/0/events?tenant=${tenant}`)) as { events: { envelope: { type: string; via: string }; data: unknown }[] };
    expect(facts.map(({ envelope, data }) => ({ type: envelope.type, via: envelope.via, data }))).toEqual([
      { type: 'backbone.log.shards-raised', via: 'backbone', data: { context: 'sales', from: 1, to: 3 } },
      { type: 'backbone.log.shards-raised', via: 'backbone', data: { context: 'sales', from: 3, to: 6 } },
    ]);
  });

  it('is shown with the logs that have events', async () => {
    const { answer } = await ask('sales');
    expect(answer).toMatchObject({ tenant, context: 'sales', shards: 6, shardsBefore: 3 });
    expect(answer.logs.map(({ log }) => log)).toEqual(['sales/0', 'sales/1', 'sales/2', 'sales/3', 'sales/4', 'sales/5']);
    expect(await ask('customer')).toMatchObject({ answer: { shards: 1, logs: [] } });
  });

  it.each([
    ['a smaller count', 'sales', { tenant, shards: 2 }, 409, 'shards-only-grow'], ['more than there may be', 'sales', { tenant, shards: 65 }, 400, 'shards-out-of-range'],
    ['half a log', 'sales', { tenant, shards: 2.5 }, 400, 'parameters-invalid'], ['no count', 'sales', { tenant }, 400, 'parameters-invalid'], ['a tenant nobody can have', 'sales', { tenant: 'A B', shards: 2 }, 400, 'tenant-malformed'],
    ['an unknown context', 'nowhere', { tenant, shards: 2 }, 400, 'context-unknown'], ['the platform\'s own log', 'backbone', { tenant, shards: 2 }, 400, 'shards-fixed'],
  ])('refuses %s and changes nothing', async (_what, context, body, status, code) => {
    expect(await ask(context, body)).toMatchObject({ status, answer: { code } });
    expect((await ask('sales')).answer.shards).toBe(6);
  });

  it('is raised by the operator alone, and shown to whoever may look', async () => {
    expect(await ask('sales', { tenant, shards: 7 }, CONSOLE_TOKEN)).toMatchObject({ status: 403, answer: { code: 'principal-not-allowed' } });
    expect(await ask('sales', undefined, CONSOLE_TOKEN)).toMatchObject({ status: 200, answer: { shards: 6 } });
  });
});
