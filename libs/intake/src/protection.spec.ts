import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Json, JsonObject } from '@millrace/kernel';
import { isSealed, listSealed, openField, type SealedValue } from '@millrace/privacy';
import { InMemorySubjectKeys } from '@millrace/privacy/testing';
import fc from 'fast-check';
import { toCandidate, type Candidate } from './candidate.step.ts';
import { identify } from './identity.step.ts';
import { INTAKE_LIMITS } from './limits.ts';
import { openReject, quarantine } from './quarantine.step.ts';
import { fromStructured } from './raw-event.ts';
import { candidateFingerprint, sealCandidate, type SealedEvent } from './sealing.step.ts';

const receivedMs = Date.parse('2026-11-23T12:00:00Z');
const grant = { tenant: 'shop', name: 'crm', recordOf: ['customer', 'sales'] as const };
const attributes = { specversion: '1.0', id: 'e-1', source: '/crm', type: 'customer.profile.registered', time: '2026-11-23T11:00:00Z' };
const customer = { number: 'N-17850', email: 'ann@shop.example', name: 'Ann Example', phone: '+49 30 1234567' };

const rawOf = (value: Json) => fromStructured(0, Buffer.from(JSON.stringify(value)), { value });
const candidateOf = (value: JsonObject): Candidate => {
  const checked = toCandidate(rawOf({ ...attributes, ...value }), grant, receivedMs);
  if (!checked.ok) throw new Error(`refused: ${checked.rejection.code} at ${checked.rejection.pointer}`);
  return checked.value;
};
const page = (data: JsonObject, more: JsonObject = {}): Candidate => candidateOf({ type: 'clickstream.page.viewed', ...more, data: { sessionId: 's', path: '/', ...data } });

let keys: InMemorySubjectKeys;
beforeEach(() => { keys = new InMemorySubjectKeys(); });

const personOf = async (candidate: Candidate) => (await identify(keys, 'shop', [candidate], [])).get(candidate);
const sealed = async (candidate: Candidate): Promise<SealedEvent> => {
  const done = sealCandidate(candidate, await personOf(candidate), { grant, receivedMs }, INTAKE_LIMITS);
  if (!done.ok) throw new Error(done.rejection.code);
  return done.value;
};
const fingerprint = async (candidate: Candidate) => candidateFingerprint(candidate, await personOf(candidate));

describe('the stored form', () => {
  it('holds nothing of the person in clear, and opens with the person\'s keys', async () => {
    const candidate = candidateOf({ subject: 'N-17850', data: { customer, country: 'DE' } });
    const { event, stream, context } = await sealed(candidate);
    const stored = JSON.parse(Buffer.from(event.data).toString()) as { customer: Record<string, Json>; country: string };
    const [ref] = keys.made;
    expect(stream).toBe(`customer.profile/${ref}`);
    expect(context).toBe('customer');
    expect(event.envelope).toMatchObject({ subject: ref, via: 'crm', version: 1, time: '2026-11-23T11:00:00.000Z' });
    expect(stored).toMatchObject({ country: 'DE', customer: { ref } });
    const person = await personOf(candidate);
    for (const [name, value] of Object.entries(customer)) {
      expect(JSON.stringify([stored, event.envelope])).not.toContain(value);
      const box = stored.customer[name] as unknown;
      expect(isSealed(box)).toBe(true);
      const opened = openField(box as SealedValue, 'e-1', person!.keys.get((box as SealedValue).$sealed.purpose)!);
      expect([opened, (box as SealedValue).$sealed.path]).toEqual([value, `/customer/${name}`]);
    }
  });

  it('seals what is personal of somebody the event doesn\'t name, and a retry finds the same subject', async () => {
    const first = await sealed(page({ ip: '203.0.113.7' }));
    const again = await sealed(page({ ip: '203.0.113.7' }));
    expect(listSealed(JSON.parse(Buffer.from(first.event.data).toString()) as Json)).toHaveLength(1);
    expect(first.event.envelope.fingerprint).toBe(again.event.envelope.fingerprint);
    expect(keys.made).toHaveLength(1);
  });

  it('asks for nobody when nothing is personal, and keeps the producer\'s subject', async () => {
    const { event } = await sealed(page({}, { subject: 'page/home' }));
    expect(keys.made).toEqual([]);
    expect(event.envelope.subject).toBe('page/home');
  });

  it('keeps the producer\'s time beside the corrected one', async () => {
    const { event } = await sealed(page({}, { time: '2026-11-24T11:59:00Z', senttime: '2026-11-24T12:00:00Z' }));
    expect(event.envelope).toMatchObject({ time: '2026-11-23T11:59:00.000Z', producertime: '2026-11-24T11:59:00.000Z', receivedtime: '2026-11-23T12:00:00.000Z' });
  });

  it('rejects what is over the limit as stored', async () => {
    expect(sealCandidate(page({}), undefined, { grant, receivedMs }, { ...INTAKE_LIMITS, maxStoredBytes: 10 })).toMatchObject({ ok: false, rejection: { code: 'event-too-large', pointer: '/data' } });
  });
});

describe('identity', () => {
  it('asks once per person in a batch and tells persons apart', async () => {
    const visits = ['v-100', 'v-200', 'v-100'].map((id) => page({ visitor: { id } }));
    const people = await identify(keys, 'shop', visits, []);
    expect(keys.made).toHaveLength(2);
    expect(people.get(visits[0]!)).toBe(people.get(visits[2]!));
    expect(people.get(visits[0]!)?.ref).not.toBe(people.get(visits[1]!)?.ref);
  });

  it('makes nobody for an event that is known already', async () => {
    const visit = page({ visitor: { id: 'v-100' } });
    expect((await identify(keys, 'shop', [], [visit])).has(visit)).toBe(false);
    expect(keys.made).toEqual([]);
  });
});

describe('the fingerprint', () => {
  it('is the same for a retry with other sent and received times, formatting and unnamed fields', async () => {
    const base = await fingerprint(candidateOf({ data: { customer, country: 'DE' } }));
    expect(base).toMatch(/^[0-9a-f]{64}$/);
    expect(await fingerprint(candidateOf({ time: '2026-11-23T12:00:00+01:00', senttime: '2026-11-23T11:59:59Z', data: { country: 'DE', customer, utm: 'x' } }))).toBe(base);
  });

  it.each<[string, JsonObject]>([
    ['another name', { data: { customer: { ...customer, name: 'Ann Other' }, country: 'DE' } }],
    ['another country', { data: { customer, country: 'FR' } }],
    ['another source', { source: '/erp', data: { customer, country: 'DE' } }],
    ['another subject', { subject: 'x', data: { customer, country: 'DE' } }],
    ['another producer\'s time', { time: '2026-11-23T11:00:00.001Z', data: { customer, country: 'DE' } }],
    ['no time', { time: null, data: { customer, country: 'DE' } }],
  ])('differs for %s', async (_, change) => {
    expect(await fingerprint(candidateOf(change))).not.toBe(await fingerprint(candidateOf({ data: { customer, country: 'DE' } })));
  });

  it('differs when the person\'s key does: without the key a name can\'t be guessed from it', async () => {
    const candidate = candidateOf({ data: { customer } });
    const other = new InMemorySubjectKeys();
    expect(candidateFingerprint(candidate, (await identify(other, 'shop', [candidate], [])).get(candidate))).not.toBe(await fingerprint(candidate));
  });

  it('is one to one with data: equal only for equal JSON', async () => {
    const texts = fc.string({ maxLength: 8, unit: 'grapheme' }).filter((text) => /^\P{C}+$/u.test(text));
    await fc.assert(fc.asyncProperty(texts, texts, async (a, b) => {
      const [one, two] = [page({ title: a, visitor: { id: 'v-1' } }), page({ title: b, visitor: { id: 'v-1' } })];
      expect((await fingerprint(one)) === (await fingerprint(two))).toBe(a === b);
    }));
  });
});

describe('quarantine', () => {
  const raw = rawOf({ ...attributes, id: 'bad-1', data: { customer: 'Ann Example' } });
  const refusedEvent = { raw, rejection: { pointer: '/data/ann@shop.example/x', code: 'data-invalid', reason: 'r' } };

  it('keeps the whole event sealed and lists nothing personal', async () => {
    const [kept] = await quarantine(keys, grant, '2026-11-23T12:00:00.000Z', [refusedEvent]);
    expect(kept).toMatchObject({ tenant: 'shop', via: 'crm', eventId: 'bad-1', type: 'customer.profile.registered', pointer: '/data/?/x', code: 'data-invalid' });
    expect(Buffer.from(kept!.body).toString()).not.toMatch(/Ann|shop\.example/);
    const [month] = await keys.resolve('shop', [{ identifiers: [{ kind: 'quarantine', value: '2026-11' }], purposes: ['quarantine'] }]);
    const { key } = month!.keys.get('quarantine')!;
    expect(openReject(key, kept!)).toEqual(raw.bytes);
    expect(() => openReject(key, { ...kept!, rejectId: 'another' })).toThrow(/altered/);
  });

  it('has one subject per tenant and month, and asks for none when all is well', async () => {
    expect(await quarantine(keys, grant, '2026-11-23T12:00:00.000Z', [])).toEqual([]);
    expect(keys.made).toHaveLength(0);
    for (const at of ['2026-11-01T00:00:00.000Z', '2026-11-30T00:00:00.000Z', '2026-12-01T00:00:00.000Z']) await quarantine(keys, grant, at, [refusedEvent]);
    expect(keys.made).toHaveLength(2);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['a customer\'s number', { id: 'registered/1785012' }, { customer: { number: '1785012', phone: 'call me' } }],
    ['a number that was sent as one', { id: 'registered-1785012' }, { customer: { number: 1785012 } }],
    ['a visitor', { id: 'v-81-abc/1' }, { visitor: 'v-81-abc' }],
  ])('lists no id that holds %s, whatever the event was refused for', async (_, more, data) => {
    const [kept] = await quarantine(keys, grant, '2026-11-23T12:00:00.000Z', [{ raw: rawOf({ ...attributes, ...more, data }), rejection: { pointer: '/data', code: 'data-invalid', reason: 'r' } }]);
    expect(kept).toMatchObject({ eventId: undefined, type: 'customer.profile.registered' });
  });

  it('lists an id that names no person', async () => {
    const [kept] = await quarantine(keys, grant, '2026-11-23T12:00:00.000Z', [{ raw: rawOf({ ...attributes, id: 'order-536365', data: { orderId: '536365', customer: { number: '1785012' } } }), rejection: { pointer: '/data', code: 'data-invalid', reason: 'r' } }]);
    expect(kept!.eventId).toBe('order-536365');
  });

  it('lists no id that was refused for naming a person', async () => {
    const [kept] = await quarantine(keys, grant, '2026-11-23T12:00:00.000Z', [{ raw, rejection: { pointer: '/id', code: 'personal-in-envelope', reason: 'r' } }]);
    expect(kept!.eventId).toBeUndefined();
  });
});
