import { byField, defineContract } from '@millrace/contracts';
import { applyGrants, migrateEventStore, PgEventStore, roleOf } from '@millrace/event-store';
import { fixedClock, type LogKey } from '@millrace/kernel';
import { freshDatabase, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { z } from 'zod';
import { FactLog, type OwnFact } from './fact-log.ts';

const service = uniqueName('svc');
const tenant = uniqueTenant();
const log: LogKey = { tenant, context: 'backbone', shard: 0 };
let database: TestDatabase;
let store: PgEventStore;
let facts: FactLog;

beforeAll(async () => {
  database = await freshDatabase();
  await withClient(database.url, (client) => client.query(`create role ${roleOf(service)} login password 'p'`));
  await migrateEventStore(database.url);
  await applyGrants(database.url, [{ service, appends: ['backbone'], reads: ['backbone'], relay: false }]);
  store = PgEventStore.connect({ url: database.urlAs(roleOf(service), 'p'), applicationName: 'spec' });
  facts = new FactLog(store, service, fixedClock('2026-11-01T00:00:00.000Z'));
});
afterAll(async () => {
  await store.close();
  await withClient(database.url, async (client) => {
    await client.query(`drop owned by ${roleOf(service)}`);
    await client.query(`drop role ${roleOf(service)}`);
  });
  await database.drop();
});

const raised = (to: number, more: Partial<OwnFact> = {}): OwnFact => ({ tenant, id: `shards/sales/${to}`, contract: 'backbone.log.shards-raised', data: { context: 'sales', from: 1, to }, ...more });

describe('facts of a service\'s own operation', () => {
  it('stand in the log of its context, with an envelope that says who and when', async () => {
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    expect(await facts.record(raised(2, { correlationId: 'r-1', causationId: 'c-1', traceparent }))).toEqual({ position: 1, duplicate: false });
    const [event] = await store.read(log, 0, 1);
    expect(event?.envelope).toMatchObject({
      id: 'shards/sales/2', source: `urn:millrace:${service}`, type: 'backbone.log.shards-raised', version: 1, stream: 'backbone.context/sales', via: service,
      time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:00.000Z', correlationid: 'r-1', causationid: 'c-1', traceparent,
    });
    expect(Buffer.from(event?.data ?? []).toString()).toBe('{"context":"sales","from":1,"to":2}');
  });

  it('told again after a lost answer are stored once, whenever that is', async () => {
    const first = await facts.record(raised(3));
    const later = new FactLog(store, service, fixedClock('2026-12-24T00:00:00.000Z'));
    expect(await later.record(raised(3))).toEqual({ position: first.position, duplicate: true });
  });

  it('of another content or time under a used id are refused', async () => {
    await facts.record(raised(4, { time: '2026-10-01T00:00:00.000Z' }));
    await expect(facts.record(raised(4, { data: { context: 'sales', from: 2, to: 4 }, time: '2026-10-01T00:00:00.000Z' }))).rejects.toMatchObject({ kind: 'conflict', code: 'fact-id-reused' });
    await expect(facts.record(raised(4))).rejects.toMatchObject({ code: 'fact-id-reused' });
  });

  it('that do not fit their contract are refused before anything is stored, without their values', async () => {
    const before = (await store.head(log))?.position;
    await expect(facts.record(raised(5, { data: { context: 'canary', from: 1, to: 5 } }))).rejects.toMatchObject({ kind: 'invalid', code: 'fact-malformed', details: { pointer: '/context' } });
    await expect(facts.record(raised(5, { contract: 'backbone.log.renamed' }))).rejects.toMatchObject({ code: 'contract-missing' });
    expect((await store.head(log))?.position).toBe(before);
  });

  it('never carry personal fields, which nothing here would seal', async () => {
    const personal = { type: 'customer.profile.registered', data: { customer: { number: '17850' } } };
    await expect(facts.record({ tenant, id: 'p-1', contract: personal.type, data: personal.data })).rejects.toMatchObject({ kind: 'invalid', code: 'fact-personal' });
  });

  it('may have a contract of the service\'s own, and only in a context it appends', async () => {
    const plain = { privacy: { kind: 'none' } } as const;
    const own = (type: string) => defineContract({ type, version: 1, summary: 'x', schema: z.object({ name: z.string().max(9).meta(plain) }), stream: byField('thing', 'name') });
    expect(await facts.record({ tenant, id: 'own-1', contract: own('backbone.thing.seen'), data: { name: 'a' } })).toMatchObject({ duplicate: false });
    await expect(facts.record({ tenant, id: 'own-2', contract: own('sales.thing.seen'), data: { name: 'a' } })).rejects.toMatchObject({ kind: 'forbidden' });
  });
});
