import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Json } from '@millrace/kernel';
import fc from 'fast-check';
import { isSealed, openBytes, openField, sealBytes, sealField, type SealedValue } from './sealed-value.ts';

const key = { purpose: 'contact', epoch: 1, key: randomBytes(32) };
const place = { eventId: 'e-1', path: '/email', typeVersion: 1 };
const subject = `sub_${'0'.repeat(32)}`;
const sealed = (value: Json = 'ada@example.org'): SealedValue => sealField(value, subject, key, place);
const withBox = (value: SealedValue, change: Partial<SealedValue['$sealed']>): SealedValue => ({ $sealed: { ...value.$sealed, ...change } });
const flipped = (bytes: Buffer, bit: number): string => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy.toString('base64url');
};

describe('a sealed value', () => {
  it('opens to the value that was sealed, whatever JSON it is', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.string(), fc.string(), fc.nat(), (value, eventId, path, typeVersion) => {
      const box = sealField(value as Json, subject, key, { eventId, path, typeVersion });
      expect(openField(box, eventId, key)).toEqual(JSON.parse(JSON.stringify(value)));
    }));
  });

  it('names whose it is, its key and where it was sealed, and holds nothing in clear', () => {
    const value = sealed();
    expect(value.$sealed).toMatchObject({ subject, purpose: 'contact', epoch: 1, path: '/email', typeVersion: 1 });
    expect(Buffer.from(value.$sealed.box, 'base64url')).toHaveLength(12 + JSON.stringify('ada@example.org').length + 16);
    expect(Buffer.from(value.$sealed.box, 'base64url').includes('ada')).toBe(false);
  });

  it('never uses an IV twice', () => {
    const ivs = Array.from({ length: 2000 }, () => sealed().$sealed.box.slice(0, 16));
    expect(new Set(ivs).size).toBe(2000);
  });

  it('stays closed when any single bit of IV, ciphertext or tag is flipped', () => {
    const value = sealed('x');
    const bytes = Buffer.from(value.$sealed.box, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      expect(() => openField(withBox(value, { box: flipped(bytes, bit) }), 'e-1', key)).toThrow(expect.objectContaining({ code: 'sealed-value-damaged' }));
    }
  });

  it.each([
    ['another event', sealed(), 'e-2'],
    ['another path', withBox(sealed(), { path: '/phone' }), 'e-1'],
    ['another type version', withBox(sealed(), { typeVersion: 2 }), 'e-1'],
  ])('stays closed when moved to %s', (_, value, eventId) => {
    expect(() => openField(value, eventId, key)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'sealed-value-damaged' }));
  });

  it('stays closed under another key, and says so when purpose or epoch do not fit', () => {
    expect(() => openField(sealed(), 'e-1', { ...key, key: randomBytes(32) })).toThrow(expect.objectContaining({ code: 'sealed-value-damaged' }));
    expect(() => openField(sealed(), 'e-1', { ...key, purpose: 'identity' })).toThrow(expect.objectContaining({ code: 'data-key-mismatch' }));
    expect(() => openField(sealed(), 'e-1', { ...key, epoch: 2 })).toThrow(expect.objectContaining({ code: 'data-key-mismatch' }));
  });

  it('refuses a tag that was cut, by any number of bytes', () => {
    const value = sealed();
    const bytes = Buffer.from(value.$sealed.box, 'base64url');
    for (let kept = 0; kept < bytes.length; kept += 1) {
      expect(() => openField(withBox(value, { box: bytes.subarray(0, kept).toString('base64url') }), 'e-1', key)).toThrow(expect.objectContaining({ code: 'sealed-value-damaged' }));
    }
  });

  it('refuses a second spelling of the same box', () => {
    const value = sealed();
    expect(() => openField(withBox(value, { box: `${value.$sealed.box}=` }), 'e-1', key)).toThrow(expect.objectContaining({ code: 'sealed-value-damaged' }));
  });

  it('refuses keys that are not 32 bytes and places that have no RFC 8785 form', () => {
    expect(() => sealField('x', subject, { ...key, key: randomBytes(16) }, place)).toThrow(expect.objectContaining({ code: 'data-key-malformed' }));
    expect(() => sealField('x', subject, key, { ...place, path: '/\ud800' })).toThrow(expect.objectContaining({ code: 'sealed-place-malformed' }));
    expect(() => sealField('x', subject, key, { ...place, typeVersion: 1.5 })).toThrow(expect.objectContaining({ code: 'sealed-place-malformed' }));
  });

  it('binds to the RFC 8785 form of its place', () => {
    const value = sealed('x');
    const aad = Buffer.from('{"id":"e-1","path":"/email","typeVersion":1}');
    expect(openBytes(key.key, Buffer.from(value.$sealed.box, 'base64url'), aad).toString()).toBe('"x"');
  });
});

describe('sealed bytes', () => {
  it('come back only with the same key and additional data', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array({ minLength: 1 }), (plain, aad, more) => {
      const box = sealBytes(key.key, plain, aad);
      expect(openBytes(key.key, box, aad)).toEqual(Buffer.from(plain));
      expect(() => openBytes(key.key, box, Buffer.concat([aad, more]))).toThrow(expect.objectContaining({ code: 'sealed-value-damaged' }));
    }));
  });
});

describe('isSealed', () => {
  it.each([
    ['a text', 'x'], ['null', null], ['a list', [sealed()]], ['a member beside it', { ...sealed(), more: 1 }], ['an empty box', { $sealed: {} }],
    ['a null inside', { $sealed: null }], ['a member too many inside', { $sealed: { ...sealed().$sealed, more: 1 } }], ['an epoch as text', withBox(sealed(), { epoch: '1' as never })],
  ])('says no to %s', (_, value) => expect(isSealed(value)).toBe(false));

  it('says yes to what sealField made, also after a trip through JSON', () => expect(isSealed(JSON.parse(JSON.stringify(sealed())))).toBe(true));
});
