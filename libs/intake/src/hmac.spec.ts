import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmacSha256 } from './hmac.ts';

describe('HMAC-SHA-256', () => {
  it('gives the answers of RFC 4231, cases 1 and 2', () => {
    expect(hmacSha256(Buffer.alloc(20, 0x0b))('Hi There')).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
    expect(hmacSha256(Buffer.from('Jefe'))('what do ya want for nothing?')).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  it('is node\'s for any key up to a block and any text, one after the other', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 3000 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(key, texts, (bytes, several) => {
      const hmac = hmacSha256(bytes);
      for (const text of several) expect(hmac(text)).toBe(createHmac('sha256', bytes).update(text).digest('hex'));
    }));
  });

  it('takes a text larger than any before it', () => {
    const [key, text] = [Buffer.from('key'), 'ü'.repeat(300_000)];
    expect(hmacSha256(key)(text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
    expect(hmacSha256(key)('x')).toBe(createHmac('sha256', key).update('x').digest('hex'));
  });

  it.each([0, 65])('refuses a key of %d bytes', (length) => {
    expect(() => hmacSha256(Buffer.alloc(length))).toThrow(expect.objectContaining({ kind: 'invalid', code: 'hmac-key-malformed' }));
  });
});
