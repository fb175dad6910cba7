import { generateKeyPairSync, sign } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { isKeyName, makeSeedText, SigningKey, VerifierKey } from './note-key.ts';

const code = (of: string) => expect.objectContaining({ code: of });
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('an Ed25519 key', () => {
  it('signs as RFC 8032, 7.1 says (test 2)', () => {
    const key = new SigningKey('n', 'log', Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'));
    expect(key.verifier.toString()).toMatch(new RegExp(`\\+${Buffer.from('013d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex').toString('base64').replaceAll(/[+]/g, '\\+')}$`));
    expect(key.sign(Buffer.of(0x72)).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });
  it('verifies its own signatures and nobody else\'s', () => fc.assert(fc.property(seeds, seeds, fc.uint8Array(), (seed, other, message) => {
    fc.pre(Buffer.compare(seed, other) !== 0);
    const [ours, theirs] = [new SigningKey('a', 'log', seed), new SigningKey('a', 'log', other)];
    expect(ours.verifier.verifies(message, ours.sign(message))).toBe(true);
    expect(ours.verifier.verifies(message, theirs.sign(message))).toBe(false);
  }), { numRuns: 20 }));
  it('verifies what any Ed25519 key of Node signed', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const message = Buffer.from('hello');
    expect(new VerifierKey('n', 'log', raw).verifies(message, sign(null, message, privateKey))).toBe(true);
  });
  it('has another id under another name or purpose', () => fc.assert(fc.property(seeds, (seed) => {
    const ids = [new SigningKey('a', 'log', seed), new SigningKey('b', 'log', seed), new SigningKey('a', 'witness', seed)].map(({ verifier }) => verifier.keyId.toString('hex'));
    expect(new Set(ids).size).toBe(3);
  }), { numRuns: 20 }));
  it('does not show its seed when printed', () => {
    const seed = Buffer.alloc(32, 0xa5);
    const key = new SigningKey('n', 'log', seed);
    for (const shown of [JSON.stringify(key), inspect(key, { depth: 9 })]) {
      expect(shown).not.toContain('a5a5');
      expect(shown).not.toContain(seed.toString('base64'));
    }
  });
  it('is made of 32 bytes and no other number', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (seed) => {
    fc.pre(seed.length !== 32);
    expect(() => new SigningKey('n', 'log', seed)).toThrow(code('ledger-key-malformed'));
  }), { numRuns: 20 }));
  it('is another each time it is made', () => expect(makeSeedText()).not.toBe(makeSeedText()));
});

describe('a key name', () => {
  it.each(['millrace/ledger', 'witness.example.com/w1', 'ä'])('may be %s', (name) => expect(isKeyName(name)).toBe(true));
  it.each([
    '', ' ', 'a b', 'a+b', 'a\tb', 'a\nb',
    'a\u00a0b', 'a\u2003b', 'a\u2028b', 'a\u0000',
    '\ud800',
  ])('may not be %j', (name) => expect(isKeyName(name)).toBe(false));
});
