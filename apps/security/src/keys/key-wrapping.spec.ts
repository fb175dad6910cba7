import { describe, expect, it } from '@jest/globals';
import { identifierMac, newKey, newReference, unwrapDataKey, unwrapLookupKey, unwrapSubjectKey, wrapDataKey, wrapLookupKey, wrapSubjectKey } from './key-wrapping.ts';

const root = newKey();
const place = { tenant: 'shop', ref: newReference() };
const dataPlace = { ...place, purpose: 'contact', epoch: 1 };
const notOpenable = expect.objectContaining({ kind: 'unavailable', code: 'key-not-openable' });

describe('a wrapped key', () => {
  it('opens at its place, 60 bytes of nothing to see', () => {
    const [subjectKey, dataKey] = [newKey(), newKey()];
    const wrapped = wrapSubjectKey(root, subjectKey, place);
    expect(unwrapSubjectKey(root, wrapped, place)).toEqual(subjectKey);
    expect(wrapped).toHaveLength(60);
    expect(wrapped.includes(subjectKey)).toBe(false);
    expect(unwrapDataKey(subjectKey, wrapDataKey(subjectKey, dataKey, dataPlace), dataPlace)).toEqual(dataKey);
    expect(unwrapLookupKey(root, wrapLookupKey(root, dataKey, 'shop'), 'shop')).toEqual(dataKey);
  });

  it.each([['tenant', { tenant: 'other' }], ['subject', { ref: newReference() }], ['purpose', { purpose: 'identity' }], ['epoch', { epoch: 2 }]])('stays closed in the row of another %s', (_, change) => {
    const key = newKey();
    expect(() => unwrapDataKey(root, wrapDataKey(root, key, dataPlace), { ...dataPlace, ...change })).toThrow(notOpenable);
  });

  it('stays closed under another root key and in a column of another kind', () => {
    const key = newKey();
    expect(() => unwrapSubjectKey(newKey(), wrapSubjectKey(root, key, place), place)).toThrow(notOpenable);
    expect(() => unwrapLookupKey(root, wrapSubjectKey(root, key, place), 'shop')).toThrow(notOpenable);
    expect(() => unwrapLookupKey(root, wrapLookupKey(root, key, 'shop'), 'other')).toThrow(notOpenable);
  });
});

describe('an identifier\'s look-up', () => {
  it('is the same for spellings of one identifier, and different for kind, tenant key and value', () => {
    const key = newKey();
    const email = identifierMac(key, { kind: 'email', value: 'ada@example.org' });
    expect(identifierMac(key, { kind: 'email', value: ' ADA@example.org ' })).toEqual(email);
    for (const [otherKey, kind, value] of [[key, 'email', 'bob@example.org'], [key, 'visitor-id', 'ada@example.org'], [newKey(), 'email', 'ada@example.org']] as const) {
      expect(identifierMac(otherKey, { kind, value })).not.toEqual(email);
    }
  });

  it('references are random, 128 bits long', () => {
    expect(newReference()).toMatch(/^sub_[0-9a-f]{32}$/);
    expect(new Set(Array.from({ length: 1000 }, newReference)).size).toBe(1000);
  });
});
