import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { listSealed, purposesOf, redactForDisplay, sealFields, type FieldToProtect } from './protected-fields.ts';
import { openField } from './sealed-value.ts';
import type { SubjectKeys } from './subject-keys.ts';
import { InMemorySubjectKeys } from './testing.ts';

const sealedAt = (pointer: string, purpose = 'contact', mask: 'full' | 'partial' | 'last-4' = 'partial'): FieldToProtect => ({ pointer, annotation: { kind: 'sealed', purpose, mask } });
const numberAt = (pointer: string, kept: 'no' | 'sealed'): FieldToProtect => ({ pointer, annotation: { kind: 'identifier', purpose: 'identity', kept } });
const place = { eventId: 'e-1', typeVersion: 3 };
const someone = async (): Promise<SubjectKeys> =>
  (await new InMemorySubjectKeys().resolve('shop', [{ identifiers: [{ kind: 'customer-number', value: '17850' }], purposes: ['contact', 'identity'] }]))[0]!;
const opened = (data: JsonObject, keys: SubjectKeys): [string, unknown][] =>
  listSealed(data).map(({ pointer, sealed }) => [pointer, openField(sealed, 'e-1', keys.keys.get(sealed.$sealed.purpose)!)]);

describe('sealFields', () => {
  const order: JsonObject = {
    order: 'o-1', customer: { number: '17850', email: 'ada@example.org' }, note: null,
    lines: [{ sku: 'a', for: 'Ada' }, { sku: 'b' }, { sku: 'c', for: 'Grace' }],
  };
  const fields = [numberAt('/customer/number', 'no'), sealedAt('/customer/email'), sealedAt('/lines/*/for', 'identity'), sealedAt('/note'), sealedAt('/absent/deep')];

  it('seals each field at its concrete path, removes the identifier and puts the reference in its place', async () => {
    const keys = await someone();
    const stored = sealFields(order, fields, keys, { ...place, subjectAt: '/customer' });
    expect(stored).toMatchObject({ order: 'o-1', customer: { ref: keys.ref }, note: null, lines: [{ sku: 'a' }, { sku: 'b' }, { sku: 'c' }] });
    expect(stored['customer']).not.toHaveProperty('number');
    expect(stored['lines']).toHaveProperty('1', { sku: 'b' });
    expect(opened(stored, keys)).toEqual([['/customer/email', 'ada@example.org'], ['/lines/0/for', 'Ada'], ['/lines/2/for', 'Grace']]);
    expect(listSealed(stored).map(({ sealed }) => sealed.$sealed.path)).toEqual(['/customer/email', '/lines/0/for', '/lines/2/for']);
    expect(JSON.stringify(stored)).not.toMatch(/17850|ada@|Ada|Grace/);
  });

  it('leaves its input alone', async () => {
    const before = structuredClone(order);
    sealFields(order, fields, await someone(), { ...place, subjectAt: '/customer' });
    expect(order).toEqual(before);
  });

  it('keeps an identifier sealed where the contract says so', async () => {
    const keys = await someone();
    const stored = sealFields({ number: '17850' }, [numberAt('/number', 'sealed')], keys, { ...place, subjectAt: '' });
    expect(stored['ref']).toBe(keys.ref);
    expect(opened(stored, keys)).toEqual([['/number', '17850']]);
  });

  it('refuses to store half when a purpose has no key', async () => {
    const keys = await someone();
    expect(() => sealFields({ ip: '10.0.0.1' }, [sealedAt('/ip', 'network')], keys, place)).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'data-key-missing' }));
  });

  it('opens to the original for any data and any of its places', async () => {
    const keys = await someone();
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.dictionary(fc.string(), fc.string())))), fc.string(), (data, name) => {
      const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
      const names = Object.keys(data).map((each) => `/${each.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      const stored = sealFields(data, [...names.map((pointer) => sealedAt(pointer)), sealedAt(`/${escaped}/*/${escaped}`)], keys, place);
      expect(Object.fromEntries(listSealed(stored).map(({ pointer, sealed }) => [pointer, openField(sealed, 'e-1', keys.keys.get('contact')!)])))
        .toEqual(Object.fromEntries(Object.entries(data).map(([, value], index) => [names[index]!, value])));
    }));
  });

  it('refuses what is no pointer', async () => {
    const keys = await someone();
    expect(() => sealFields({}, [sealedAt('email')], keys, place)).toThrow(expect.objectContaining({ code: 'pointer-malformed' }));
  });

  it('turns a removed list element into null, so that its neighbours keep their paths', async () => {
    expect(sealFields({ numbers: ['1', '2'] }, [numberAt('/numbers/*', 'no')], await someone(), place)).toEqual({ numbers: [null, null] });
    expect(sealFields({ numbers: ['1', '2'] }, [numberAt('/numbers/1', 'no'), numberAt('/numbers/7', 'no')], await someone(), place)).toEqual({ numbers: ['1', null] });
  });
});

describe('purposesOf', () => {
  it('names each purpose once and none for what is not kept', () => {
    expect(purposesOf([sealedAt('/a'), sealedAt('/b'), numberAt('/c', 'no'), sealedAt('/d', 'network')])).toEqual(['contact', 'network']);
    expect(purposesOf([numberAt('/c', 'sealed')])).toEqual(['identity']);
  });
});

describe('redactForDisplay', () => {
  it('masks what is in clear by its annotation and shows sealed values as sealed', async () => {
    const keys = await someone();
    const stored = sealFields({ email: 'ada@example.org', phone: '+44 20 7946 0958', number: '17850' }, [sealedAt('/email')], keys, place);
    expect(redactForDisplay(stored, [sealedAt('/email'), sealedAt('/phone', 'contact', 'last-4'), numberAt('/number', 'no'), sealedAt('/absent')]))
      .toEqual({ email: { sealed: 'contact' }, phone: '••••0958', number: '••••' });
  });
});
