import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Piscina } from 'piscina';
import { PgEventStore } from '@millrace/event-store';
import type { SourceGrant } from '@millrace/intake';
import { DomainError } from '@millrace/kernel';
import { InMemorySubjectKeys } from '@millrace/privacy/testing';
import { eventually, uniqueTenant, type TestDatabase } from '@millrace/testing';
import { freshEventDatabase, ROLE, ROLE_PASSWORD } from '../testing.ts';
import { IntakeThreads, type IntakeThreadsOptions } from './intake-threads.ts';

let database: TestDatabase;
let store: PgEventStore;
let threads: IntakeThreads;
beforeAll(async () => {
  database = await freshEventDatabase();
  store = PgEventStore.connect({ url: database.urlAs(ROLE, ROLE_PASSWORD), applicationName: 'spec' });
});
afterEach(() => threads.close());
afterAll(async () => {
  await store.close();
  await database.drop();
});

const open = (keys = new InMemorySubjectKeys(), options: Partial<IntakeThreadsOptions> = {}): void => {
  threads = new IntakeThreads(store, keys, { threads: 2, ...options });
};
const poolOf = (): Piscina => (threads as unknown as { readonly pool: Piscina }).pool;

const grantOf = (tenant: string): SourceGrant => ({ tenant, name: 'shop', recordOf: ['customer'] });
const requestOf = (name: string, count: number, customer: (n: number) => object = (n) => ({ number: `N-${name}-${n}`, name: 'Ann Example' })) => ({
  headers: { 'content-type': 'application/cloudevents-batch+json', authorization: 'Bearer msk_never-for-a-thread' },
  body: Buffer.from(JSON.stringify(Array.from({ length: count }, (_, n) => ({ specversion: '1.0', id: `${name}-${n}`, source: '/crm', type: 'customer.profile.registered', time: new Date().toISOString(), data: { customer: customer(n) } })))),
});
const deliveryOf = (tenant: string) => ({ grant: grantOf(tenant), receivedMs: Date.now() });

describe('requests on threads', () => {
  it('are spread over all of them and answered each with its own outcomes', async () => {
    open();
    const tenant = uniqueTenant();
    const reports = await Promise.all(Array.from({ length: 8 }, (_, n) => threads.take(requestOf(`r${n}`, 50), deliveryOf(tenant))));
    expect(reports.map(({ outcomes }) => outcomes.map(({ id, outcome }) => `${id} ${outcome}`))).toEqual(Array.from({ length: 8 }, (_, n) => Array.from({ length: 50 }, (__, m) => `r${n}-${m} accepted`)));
    expect(poolOf().threads).toHaveLength(2);
    expect(await store.counts(tenant)).toEqual([{ tenant, source: 'shop', received: 400, accepted: 400, duplicate: 0, rejected: 0, unanswered: 0 }]);
  });

  it('ask for the keys of a person once per thread', async () => {
    const keys = new InMemorySubjectKeys();
    let asked = 0;
    const resolve = keys.resolve.bind(keys);
    keys.resolve = async (tenant, questions) => { asked += questions.length; return resolve(tenant, questions); };
    open(keys, { threads: 1 });
    const tenant = uniqueTenant();
    for (const name of ['first', 'second', 'third']) await threads.take(requestOf(name, 20, () => ({ number: 'N-1', name: 'Ann Example' })), deliveryOf(tenant));
    expect(asked).toBe(1);
  });

  it('are refused with the store\'s and security\'s own errors', async () => {
    const keys = new InMemorySubjectKeys();
    keys.resolve = async () => { throw new DomainError('unavailable', 'keys-unavailable', { reason: 'no-answer' }, 'Security gave no keys.'); };
    open(keys);
    const tenant = uniqueTenant();
    await expect(threads.take(requestOf('sealed', 3), deliveryOf(tenant))).rejects.toMatchObject({ kind: 'unavailable', code: 'keys-unavailable', details: { reason: 'no-answer' } });
    expect(await store.heads(tenant)).toEqual([]);
    expect(await store.counts(tenant)).toMatchObject([{ received: 3, unanswered: 3 }]);
    await expect(threads.take({ headers: { 'content-type': 'text/csv' }, body: Buffer.from('a') }, deliveryOf(tenant))).rejects.toMatchObject({ kind: 'invalid', code: 'content-type-unsupported' });
  });

  it('keep the clock of a drill', async () => {
    open(undefined, { clockOffsetMs: -86_400_000 });
    const tenant = uniqueTenant();
    await threads.take(requestOf('late', 1), deliveryOf(tenant));
    const reader = PgEventStore.connect({ url: database.url, applicationName: 'spec' });
    const [event] = await reader.read({ tenant, context: 'customer', shard: 0 }, 0, 1);
    await reader.close();
    expect(Math.abs(Date.parse(event!.envelope.recordedtime) + 86_400_000 - Date.now())).toBeLessThan(60_000);
  });
});

describe('a thread that dies', () => {
  it('fails what it had in hand as unavailable, and the next request has another', async () => {
    const keys = new InMemorySubjectKeys();
    const resolve = keys.resolve.bind(keys);
    let asked = false;
    keys.resolve = () => { asked = true; return new Promise(() => undefined); };
    open(keys, { threads: 1 });
    const tenant = uniqueTenant();
    const lost = threads.take(requestOf('lost', 5), deliveryOf(tenant)).catch((error: unknown) => error);
    await eventually('the thread asks for keys', () => asked);
    await poolOf().threads[0]!.terminate();
    expect(await lost).toMatchObject({ kind: 'unavailable', code: 'intake-thread-died' });
    keys.resolve = resolve;
    const again = await threads.take(requestOf('lost', 5), deliveryOf(tenant));
    expect(again.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'accepted']);
    expect(await store.counts(tenant)).toMatchObject([{ received: 10, accepted: 5, unanswered: 5 }]);
  });
});

it('finishes what is under way before it ends', async () => {
  open();
  const tenant = uniqueTenant();
  const under = threads.take(requestOf('last', 100), deliveryOf(tenant));
  await threads.close();
  expect((await under).outcomes).toHaveLength(100);
});
