import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkStored, newestContract, upcast, type EventData } from '@millrace/contracts';
import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import type { Json } from '@millrace/kernel';
import { InMemorySubjectKeys } from '@millrace/privacy/testing';
import { freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import fc from 'fast-check';
import { takeIn } from './intake.ts';
import { INTAKE_LIMITS } from './limits.ts';
import type { EventOutcome } from './outcome.ts';
import { fromStructured } from './raw-event.ts';
import type { SourceGrant } from './source-grant.rule.ts';

const receivedMs = Date.parse('2026-11-23T12:00:00Z');
let database: TestDatabase;
let store: PgEventStore;
beforeAll(async () => {
  database = await freshDatabase();
  await migrateEventStore(database.url);
  store = PgEventStore.connect({ url: database.url, applicationName: 'intake-spec' });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

/** One tenant with one source and its own keys. */
class Door {
  readonly keys = new InMemorySubjectKeys();
  readonly grant: SourceGrant = { tenant: uniqueTenant(), name: 'door', recordOf: ['customer', 'inventory'] };

  async take(...events: readonly object[]): Promise<readonly EventOutcome[]> {
    const raws = events.map((event, index) => fromStructured(index, Buffer.from(JSON.stringify(event)), { value: event as Json }));
    await store.recordReceipt(this.grant.tenant, this.grant.name, raws.length);
    return (await takeIn({ store, keys: this.keys }, raws, { grant: this.grant, receivedMs })).outcomes;
  }

  async sums(): Promise<Record<string, unknown>> {
    const [{ received, accepted, duplicate, rejected, unanswered }] = await store.counts(this.grant.tenant) as [Awaited<ReturnType<PgEventStore['counts']>>[number]];
    return { received, accepted, duplicate, rejected, unanswered };
  }
}

const time = '2026-11-23T11:00:00Z';
const page = (id: string, data: object = {}) => ({ specversion: '1.0', id, source: '/web', type: 'clickstream.page.viewed', time, data: { sessionId: 's', path: '/', ...data } });
const person = (id: string, customer: object) => ({ specversion: '1.0', id, source: '/crm', type: 'customer.profile.registered', time, data: { customer } });
const outcomesOf = (outcomes: readonly EventOutcome[]): string[] => outcomes.map((one) => (one.outcome === 'rejected' ? one.code : one.outcome));

describe('taking in', () => {
  it('keeps the order of a request within each stream', async () => {
    const door = new Door();
    await door.take(...Array.from({ length: 50 }, (_, n) => page(`p-${n}`, { sessionId: `s-${n % 3}`, title: `${n}` })));
    for (const session of ['s-0', 's-1', 's-2']) {
      const events = await store.readStream(door.grant.tenant, `clickstream.session/${session}`, 0, 100);
      const numbers = events.map(({ envelope }) => Number(envelope.id.slice(2)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(numbers).toHaveLength(session === 's-2' ? 16 : 17);
    }
  });

  it('brings back nobody for a repeated event of an erased person, and makes nobody for a refused one', async () => {
    const door = new Door();
    const registered = person('r-1', { number: 'N-100200', name: 'Ann' });
    await door.take(registered);
    door.keys.erase(door.grant.tenant, door.keys.made[0]!);
    await door.take(registered);
    await door.take({ ...person('r-2', { number: 'N-300400' }), time: '1999-01-01T00:00:00Z' });
    const persons = door.keys.made.length - 1; // one more stands for the month's quarantine
    expect(persons).toBe(1);
  });

  it('tells a conflict from a duplicate by what a person\'s field says, though both are sealed', async () => {
    const door = new Door();
    expect(outcomesOf(await door.take(person('c-1', { number: 'N-1', phone: '+49 30 111' })))).toEqual(['accepted']);
    expect(outcomesOf(await door.take(person('c-1', { number: 'N-1', phone: '+49 30 111' }), person('c-1', { number: 'N-1', phone: '+49 30 222' })))).toEqual(['duplicate', 'id-conflict']);
    expect(await door.sums()).toEqual({ received: 3, accepted: 1, duplicate: 1, rejected: 1, unanswered: 0 });
  });

  it('finds an id in whatever log it stands', async () => {
    const door = new Door();
    await door.take(page('same'));
    expect(outcomesOf(await door.take({ ...page('same'), type: 'inventory.stock.received', data: { productId: 'mug', quantity: 1 } }))).toEqual(['id-conflict']);
  });

  it('stores every version that has a contract as it came, and reads all as the newest', async () => {
    const door = new Door();
    const first = person('v-1', { number: 'N-7', name: 'Ann' });
    const second = { ...person('v-2', { number: 'N-7' }), version: 2, data: { customer: { number: 'N-7' }, contact: { name: 'Ann B.' } } };
    expect(outcomesOf(await door.take(first, second, { ...second, id: 'v-3', version: 3 }))).toEqual(['accepted', 'accepted', 'version-unknown']);
    const events = await store.read({ tenant: door.grant.tenant, context: 'customer', shard: 0 }, 0, 10);
    const data = events.map((event) => JSON.parse(Buffer.from(event.data).toString()) as EventData);
    expect(events.map(({ envelope }) => [envelope.version, envelope.stream === events[0]!.envelope.stream])).toEqual([[1, true], [2, true]]);
    expect(data).toMatchObject([{ customer: { name: { $sealed: { path: '/customer/name', typeVersion: 1 } } } }, { contact: { name: { $sealed: { path: '/contact/name', typeVersion: 2 } } } }]);
    const current = events.map(({ envelope }, index) => upcast(envelope.type, envelope.version, data[index]!).data);
    expect(current.map((each) => checkStored(newestContract(first.type)!, each))).toEqual([undefined, undefined]);
    expect(current[0]).toMatchObject({ contact: { name: { $sealed: { path: '/customer/name', typeVersion: 1 } } } });
    expect(outcomesOf(await door.take({ ...second, id: 'v-1' }))).toEqual(['id-conflict']);
  });

  it('keeps a stored event over the limit out, and its neighbours in', async () => {
    const door = new Door();
    const raws = [page('a'), page('b', { title: 'x'.repeat(200) }), page('c')].map((event, index) => fromStructured(index, Buffer.from(JSON.stringify(event)), { value: event as Json }));
    const { outcomes } = await takeIn({ store, keys: door.keys, limits: { ...INTAKE_LIMITS, maxStoredBytes: 100 } }, raws, { grant: door.grant, receivedMs });
    expect(outcomesOf(outcomes)).toEqual(['accepted', 'event-too-large', 'accepted']);
  });

  it('refuses a stream whose name would be too long, by its bytes', async () => {
    expect(outcomesOf(await new Door().take(page('long', { sessionId: 'é'.repeat(110) }), page('short', { sessionId: 'é'.repeat(80) })))).toEqual(['stream-name-too-long', 'accepted']);
  });

  it('passes the request\'s trace on, unless the event has its own', async () => {
    const door = new Door();
    const [own, request] = ['00-11111111111111111111111111111111-2222222222222222-01', '00-33333333333333333333333333333333-4444444444444444-01'];
    const raws = [page('t-1'), { ...page('t-2'), traceparent: own }].map((event, index) => fromStructured(index, Buffer.from(JSON.stringify(event)), { value: event as Json }));
    await takeIn({ store, keys: door.keys }, raws, { grant: door.grant, receivedMs, traceparent: request });
    const events = await store.read({ tenant: door.grant.tenant, context: 'clickstream', shard: 0 }, 0, 10);
    expect(events.map(({ envelope }) => envelope.traceparent)).toEqual([request, own]);
  });

  it('asks no store and no keys when there is nothing to take in', async () => {
    expect(await takeIn({ store, keys: new InMemorySubjectKeys() }, [], { grant: new Door().grant, receivedMs })).toEqual({ outcomes: [], dropped: 0 });
  });
});

/** An event of few ids, persons and bodies, so that requests meet themselves and each other. */
const anyEvent = fc.oneof(
  fc.record({ id: fc.integer({ min: 1, max: 8 }), title: fc.constantFrom('a', 'b') }).map(({ id, title }) => page(`e-${id}`, { title })),
  fc.record({ id: fc.integer({ min: 1, max: 8 }), number: fc.constantFrom('N-1', 'N-2') }).map(({ id, number }) => person(`e-${id}`, { number })),
  fc.constant(page('bad', { path: 'no slash' })),
);

it('answers any requests as a map from id to first body would, and every sum agrees', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }), async (requests) => {
    const door = new Door();
    const first = new Map<string, { body: string; place: string }>();
    const sums = { received: 0, accepted: 0, duplicate: 0, rejected: 0, unanswered: 0 };
    for (const request of requests) {
      const outcomes = await door.take(...request);
      // Logs are appended to side by side: an id that stands twice in a request goes to whichever came first.
      const byLogFirst = new Map(outcomes.flatMap((one, at) => (one.outcome === 'accepted' ? [[one.id, { body: JSON.stringify(request[at]), place: `${one.log}:${one.position}` }] as const] : [])));
      for (const [id, stored] of byLogFirst) {
        expect(first.has(id)).toBe(false);
        first.set(id, stored);
      }
      for (const [at, one] of outcomes.entries()) {
        sums.received += 1;
        sums[one.outcome] += 1;
        const event = request[at]!;
        const known = first.get(event.id);
        const expected = event.id === 'bad' ? 'data-invalid' : known?.body === JSON.stringify(event) ? (one.outcome === 'accepted' ? 'accepted' : 'duplicate') : 'id-conflict';
        expect(outcomesOf([one])).toEqual([expected]);
        expect(one.outcome === 'rejected' || `${one.log}:${one.position}` === known?.place).toBe(true);
      }
    }
    expect(await door.sums()).toEqual(sums);
    // The same conflicting body sent again is counted again, but kept once.
    const kept = (await store.listRejects(door.grant.tenant, 1000)).map(({ code }) => code);
    expect(kept.length > 0).toBe(sums.rejected > 0);
    expect(kept.length).toBeLessThanOrEqual(sums.rejected);
    expect(kept.filter((code) => code === 'data-invalid')).toHaveLength(requests.flat().filter(({ id }) => id === 'bad').length);
  }), { numRuns: 25 });
});
