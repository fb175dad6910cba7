import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONTRACT_READERS, CONTRACTS, findContract, FIXTURES, RELEASED_CONTRACTS, standInFor, streamOf, type EventContract, type Vocabulary } from '@millrace/contracts';
import { PgEventStore, roleOf, type AppendUnit } from '@millrace/event-store';
import type { Context } from '@millrace/kernel';
import { freshDatabase, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { prepareEventDatabase } from '../event-log/owner.ts';
import { ContractGate } from './contract-gate.ts';
import { samplePast, type SampledEvent } from './past-sample.ts';

const OURS: Vocabulary = { contracts: CONTRACTS, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: CONTRACT_READERS };
const tenant = uniqueTenant();
const CONTEXTS: Context[] = ['sales', 'customer', 'backbone'];
const [reading, writing] = [uniqueName('gate'), uniqueName('writer')];
let database: TestDatabase;
let relay: PgEventStore;
let writer: PgEventStore;
beforeAll(async () => {
  database = await freshDatabase();
  await withClient(database.url, async (client) => {
    for (const service of [reading, writing]) await client.query(`create role ${roleOf(service)} login password 'pw'`);
  });
  const manifest = { owner: 'spec', asks: [], answers: [], databases: [], keys: false, slo: 'spec', appends: [], reads: [], relay: false };
  await prepareEventDatabase(database.url, [{ ...manifest, service: reading, relay: true }, { ...manifest, service: writing, appends: CONTEXTS, reads: CONTEXTS }]);
  [relay, writer] = [reading, writing].map((service) => PgEventStore.connect({ url: database.urlAs(roleOf(service), 'pw'), applicationName: 'spec' })) as [PgEventStore, PgEventStore];
});
afterAll(async () => {
  await Promise.all([relay.close(), writer.close()]);
  await withClient(database.url, async (client) => {
    for (const service of [reading, writing]) {
      await client.query(`drop owned by ${roleOf(service)}`);
      await client.query(`drop role ${roleOf(service)}`);
    }
  });
  await database.drop();
});

let serial = 0;
const append = async (context: Context, type: string, version: number, ...all: readonly (object | string)[]): Promise<void> => {
  await writer.append({ tenant, context, shard: 0 }, all.map((data): AppendUnit => {
    const id = `e-${serial += 1}`;
    const contract = findContract(type, version);
    const stream = contract && typeof data === 'object' && 'orderId' in data ? streamOf(contract, data as never) : `${context}.thing/${id}`;
    const envelope = { specversion: '1.0' as const, id, source: '/spec', type, version, tenant, stream, time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:00.000Z', via: 'spec', fingerprint: '00'.repeat(32) };
    return { stream, expectedVersion: 'any', events: [{ envelope, data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)) }] };
  }));
};
const stored = (type: string, version: number) => standInFor(findContract(type, version)!, FIXTURES.find((fixture) => fixture.type === type && fixture.version === version)!.data);
const sampled = async (perType: number, untilMs = Infinity): Promise<SampledEvent[]> => {
  const events: SampledEvent[] = [];
  for await (const event of samplePast(relay, { perType, untilMs, now: () => 0 })) events.push(event);
  return events;
};
/** Our vocabulary with one contract changed. */
const spoiled = (type: string, version: number, change: (contract: EventContract) => EventContract): Vocabulary =>
  ({ ...OURS, contracts: CONTRACTS.map((contract) => (contract.type === type && contract.version === version ? change(contract) : contract)) });

describe('the past, held against the contracts', () => {
  it('of an empty store is no break', async () => {
    expect(await new ContractGate(relay).open()).toEqual({ contracts: CONTRACTS.length, fixtures: FIXTURES.length, events: 0, complete: true, breaks: [], unfit: [] });
  });

  it('is read in every version it was stored in', async () => {
    for (const version of [1, 2]) {
      await append('sales', 'sales.order.placed', version, stored('sales.order.placed', version));
      await append('customer', 'customer.profile.registered', version, stored('customer.profile.registered', version));
    }
    expect(await new ContractGate(relay).report(100)).toMatchObject({ events: 4, breaks: [], unfit: [] });
  });

  it('is sampled from its newest, so many of each type and version', async () => {
    await append('backbone', 'backbone.log.shards-raised', 1, ...Array.from({ length: 7 }, (_, n) => ({ context: 'sales', from: 1, to: n + 2 })));
    const raised = (await sampled(3)).filter(({ type }) => type === 'backbone.log.shards-raised');
    expect(raised.map(({ log, position, data }) => [log, position, (data as { to: number }).to])).toEqual([['backbone/0', 7, 8], ['backbone/0', 6, 7], ['backbone/0', 5, 6]]);
    expect((await sampled(1)).map(({ type, version }) => `${type}@${version}`).toSorted()).toEqual(['backbone.log.shards-raised@1', 'customer.profile.registered@1', 'customer.profile.registered@2', 'sales.order.placed@1', 'sales.order.placed@2']);
    expect(await sampled(3, -1)).toEqual([]);
  });

  it('that never fitted is told apart from what this build would break, and lets it start', async () => {
    await append('sales', 'sales.order.returned', 1, { orderId: 'canary' }, 'no JSON: canary');
    await append('sales', 'sales.unheard.of', 1, { any: 'thing' });
    const report = await new ContractGate(relay).open();
    expect(report?.breaks).toEqual([]);
    expect(report?.unfit).toMatchObject([{ rule: 'past-refused', type: 'sales.order.returned', pointer: '', log: 'sales/0', position: 4 }, { rule: 'past-refused', pointer: '/currency', position: 3 }]);
    expect(JSON.stringify(report)).not.toContain('canary');
  });

  it('that an upcaster can no longer lead to the newest version ends the start, with what would break', async () => {
    const gate = new ContractGate(relay, { ...spoiled('sales.order.placed', 2, (contract) => ({ ...contract, upcast: (old) => ({ ...old, lines: [] }) })), fixtures: FIXTURES.filter(({ type }) => type !== 'sales.order.placed') });
    expect(await gate.report(10)).toMatchObject({ breaks: expect.arrayContaining([expect.objectContaining({ rule: 'upcast-refused', type: 'sales.order.placed', version: 1, pointer: '/lines', log: 'sales/0', position: 1, breaks: expect.arrayContaining(['metric revenue.net', 'table warehouse.order_line']) })]) });
    await expect(gate.open()).rejects.toMatchObject({ kind: 'conflict', code: 'contracts-incompatible', message: expect.stringMatching(/doesn't start.*sales\.order\.placed@1.*Would break:.*metric revenue\.net/) });
    await expect(gate.passes()).rejects.toMatchObject({ code: 'contracts-incompatible' });
  });

  it('written by a newer build ends the start', async () => {
    const contracts = CONTRACTS.filter(({ type, version }) => type !== 'customer.profile.registered' || version === 1);
    await expect(new ContractGate(relay, { ...OURS, contracts, released: RELEASED_CONTRACTS.filter(({ type, version }) => type !== 'customer.profile.registered' || version === 1) }).open())
      .rejects.toMatchObject({ code: 'contracts-incompatible', message: expect.stringMatching(/customer\.profile\.registered@2 \(customer\/0 2\)/) });
  });

  it('that can\'t be read yet leaves what was released to be checked, and the rest to readiness', async () => {
    const closed = PgEventStore.connect({ url: database.urlAs(roleOf(reading), 'pw').replace(/:\d+\//, ':1/'), applicationName: 'spec' });
    const gate = new ContractGate(closed);
    expect(await gate.open()).toBeUndefined();
    await expect(gate.passes()).rejects.toMatchObject({ kind: 'unavailable', code: 'past-unread' });
    await expect(new ContractGate(closed, { ...OURS, contracts: CONTRACTS.filter(({ type }) => type !== 'sales.refund.issued') }).open()).rejects.toMatchObject({ code: 'contracts-incompatible' });
    await closed.close();
    const late = new ContractGate(relay);
    await late.passes();
    await late.passes();
  });
});
