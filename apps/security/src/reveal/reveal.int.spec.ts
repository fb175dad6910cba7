import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findContract, upcast } from '@millrace/contracts';
import { PgEventStore } from '@millrace/event-store';
import { systemClock, type JsonObject } from '@millrace/kernel';
import { sealFields, sealField, type SealedValue, type SubjectKeys } from '@millrace/privacy';
import { freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import type { Pool } from 'pg';
import { AuditLog } from '../audit/audit-log.ts';
import { eventLog, type EventLog } from '../fixtures/event-log.ts';
import { openKeyDatabase } from '../keys/key-database.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { Reveal, type RevealableField } from './reveal.ts';

let database: TestDatabase;
let log: EventLog;
let pool: Pool;
let store: PgEventStore;
let ring: KeyRing;
let reveal: Reveal;
beforeAll(async () => {
  [database, log] = await Promise.all([freshDatabase(), eventLog()]);
  pool = await openKeyDatabase(database.url, () => undefined);
  store = PgEventStore.connect({ url: log.url, applicationName: 'security' });
  ring = new KeyRing(pool, randomBytes(32));
  reveal = new Reveal(store, ring, new AuditLog(store, systemClock));
});
afterAll(async () => {
  await Promise.all([store.close(), log.producer.close(), pool.end()]);
  await Promise.all([database.drop(), log.remove()]);
});

const person = async (tenant: string, number: string): Promise<SubjectKeys> =>
  (await ring.resolve(tenant, [{ identifiers: [{ kind: 'customer-number', value: number }], purposes: ['identity', 'contact'] }]))[0]!;

/** Appends facts to a customer's stream as they would be stored. */
const append = async (tenant: string, ref: string, facts: readonly { id: string; type?: string; version?: number; data: JsonObject }[]): Promise<void> => {
  const stream = `customer.profile/${ref}`;
  const time = new Date().toISOString();
  await log.producer.append({ tenant, context: 'customer', shard: 0 }, [{
    stream, expectedVersion: 'any',
    events: facts.map(({ id, type = 'customer.profile.registered', version = 1, data }) => ({
      envelope: { specversion: '1.0', id, source: 'urn:test', type, version, tenant, stream, time, receivedtime: time, via: 'test', fingerprint: '0'.repeat(64) },
      data: Buffer.from(JSON.stringify(data)),
    })),
  }]);
};
const sealed = (subject: SubjectKeys, id: string, customer: JsonObject): JsonObject => {
  const { protectedFields, subjectAt } = findContract('customer.profile.registered', 1)!;
  return sealFields({ customer }, protectedFields, subject, { eventId: id, typeVersion: 1, subjectAt });
};
/** As version 2 is stored: what reaches a person stands under `contact`. */
const sealedApart = (subject: SubjectKeys, id: string, data: JsonObject): JsonObject => {
  const { protectedFields, subjectAt } = findContract('customer.profile.registered', 2)!;
  return sealFields(data, protectedFields, subject, { eventId: id, typeVersion: 2, subjectAt });
};
const ask = (tenant: string, refs: readonly string[], field: RevealableField = 'customer-number') => reveal.reveal({ tenant, refs, field, reason: 'ticket 1234' }, 'operator');

describe('a revealed value', () => {
  it('is the newest the customer has, of the field asked for', async () => {
    const tenant = uniqueTenant();
    const one = await person(tenant, '1');
    await append(tenant, one.ref, [
      { id: 'e-1', data: sealed(one, 'e-1', { number: '1', name: 'Ada', email: 'ada@x.org', phone: '+44 20 7946 0958' }) },
      { id: 'e-2', data: sealed(one, 'e-2', { number: '1-new', email: 'ada@y.org' }) },
      { id: 'e-3', type: 'customer.contact.changed', data: { customer: { ref: one.ref } } },
    ]);
    const values = await Promise.all((['customer-number', 'email', 'name', 'phone'] as const).map((field) => ask(tenant, [one.ref], field)));
    expect(values.flat()).toEqual(['1-new', 'ada@y.org', 'Ada', '+44 20 7946 0958'].map((value) => ({ ref: one.ref, value })));
  });

  it('opens though an upcaster has moved it, and beside one stored in the newest version', async () => {
    const tenant = uniqueTenant();
    const one = await person(tenant, '1');
    const old = sealed(one, 'e-1', { number: '1', name: 'Ada', phone: '112' });
    await append(tenant, one.ref, [{ id: 'e-1', data: old }]);
    const read = upcast('customer.profile.registered', 1, old).data as { customer: object; contact: { name: SealedValue } };
    expect(Object.keys(read.customer)).toEqual(['number', 'ref']);
    expect(read.contact.name.$sealed).toEqual({ ...read.contact.name.$sealed, path: '/customer/name', typeVersion: 1 });
    expect(await ask(tenant, [one.ref], 'name')).toEqual([{ ref: one.ref, value: 'Ada' }]);
    await append(tenant, one.ref, [{ id: 'e-2', version: 2, data: sealedApart(one, 'e-2', { customer: { number: '1' }, contact: { name: 'Ada Lovelace' } }) }]);
    expect(await ask(tenant, [one.ref], 'name')).toEqual([{ ref: one.ref, value: 'Ada Lovelace' }]);
    expect(await ask(tenant, [one.ref], 'phone')).toEqual([{ ref: one.ref, value: '112' }]);
  });

  it('is found at the end of a long history', async () => {
    const tenant = uniqueTenant();
    const one = await person(tenant, '1');
    const consent = { customer: { ref: one.ref }, purpose: 'news', channel: 'email' };
    await append(tenant, one.ref, Array.from({ length: 400 }, (_, index) => ({ id: `c-${index}`, type: 'customer.consent.given', data: consent })));
    expect(await ask(tenant, [one.ref])).toEqual([{ ref: one.ref, error: 'not-found' }]);
    await append(tenant, one.ref, [{ id: 'e-1', data: sealed(one, 'e-1', { number: '1' }) }]);
    expect(await ask(tenant, [one.ref])).toEqual([{ ref: one.ref, value: '1' }]);
  });

  it('comes for five hundred references at once, in their order, repeated ones too', async () => {
    const tenant = uniqueTenant();
    const people = await ring.resolve(tenant, Array.from({ length: 250 }, (_, index) => ({ identifiers: [{ kind: 'customer-number', value: String(index) }], purposes: ['identity'] })));
    await Promise.all(people.map((one, index) => append(tenant, one.ref, [{ id: `e-${index}`, data: sealed(one, `e-${index}`, { number: String(index) }) }])));
    const refs = [...people, ...people.toReversed()].map(({ ref }) => ref);
    expect((await ask(tenant, refs)).map((each) => [each.ref, 'value' in each ? Number(each.value) : each.error]))
      .toEqual(refs.map((ref, index) => [ref, index < 250 ? index : 499 - index]));
    const audited = (await log.audited()).filter((event) => event.tenant === tenant);
    expect(audited.map(({ data }) => (data['refs'] as string[]).length)).toEqual([250]);
  });

  it('is not one that was moved from another event, field or customer, or altered', async () => {
    const tenant = uniqueTenant();
    const [one, two] = [await person(tenant, '1'), await person(tenant, '2')];
    const box = (subject: SubjectKeys, eventId: string, path: string) => ({ ...sealField('1', subject.ref, subject.keys.get('identity')!, { eventId, path, typeVersion: 1 }).$sealed });
    const stored = (value: JsonObject): JsonObject => ({ customer: { ref: one.ref, number: { $sealed: value } } });
    const values: [string, JsonObject, string][] = [
      ['e-of-another-event', box(one, 'other', '/customer/number'), 'damaged'],
      ['e-claiming-another-path', { ...box(one, 'e-claiming-another-path', '/customer/name'), path: '/customer/number' }, 'damaged'],
      ['e-of-another-customer', box(two, 'e-of-another-customer', '/customer/number'), 'not-found'],
      ['e-of-a-renamed-customer', { ...box(two, 'e-of-a-renamed-customer', '/customer/number'), subject: one.ref }, 'damaged'],
      ['e-of-an-epoch-that-never-was', { ...box(one, 'e-of-an-epoch-that-never-was', '/customer/number'), epoch: 7 }, 'erased'],
      // A value sealed at another path is none of this field: the one before stands.
      ['e-of-another-path', box(one, 'e-of-another-path', '/note'), 'erased'],
    ];
    for (const [id, value, error] of values) {
      await append(tenant, one.ref, [{ id, data: stored(value) }]);
      expect([id, ...await ask(tenant, [one.ref])]).toEqual([id, { ref: one.ref, error }]);
    }
    await append(tenant, one.ref, [{ id: 'e-good', data: sealed(one, 'e-good', { number: '1' }) }]);
    expect(await ask(tenant, [one.ref])).toEqual([{ ref: one.ref, value: '1' }]);
  });
});

describe('a reveal', () => {
  it('gives nothing while the event log is down, and works when it is back', async () => {
    const tenant = uniqueTenant();
    const one = await person(tenant, '1');
    await append(tenant, one.ref, [{ id: 'e-1', data: sealed(one, 'e-1', { number: '1' }) }]);
    await log.kill();
    await expect(ask(tenant, [one.ref])).rejects.toMatchObject({ kind: 'unavailable' });
    await log.restart();
    expect(await ask(tenant, [one.ref])).toEqual([{ ref: one.ref, value: '1' }]);
    expect((await log.audited()).filter((event) => event.tenant === tenant)).toHaveLength(1);
  });

  it('is refused, and audited, for everyone but the operator, before anything is read', async () => {
    const tenant = uniqueTenant();
    await expect(reveal.reveal({ tenant, refs: ['sub_1'], field: 'email', reason: 'curious' }, 'console')).rejects.toMatchObject({ kind: 'forbidden', code: 'reveal-not-allowed' });
    expect((await log.audited()).filter((event) => event.tenant === tenant).map(({ data }) => data))
      .toEqual([{ actor: 'console', reason: 'curious', field: 'email', refs: ['sub_1'], outcome: 'refused', code: 'reveal-not-allowed' }]);
  });
});
