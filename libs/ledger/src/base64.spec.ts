import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { decodeBase64, encodeBase64 } from './base64.ts';

describe('base64', () => {
  it('is read back', () => fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    expect([...(decodeBase64(encodeBase64(bytes)) ?? [])]).toEqual([...bytes]);
  })));
  it('is written of a part of a buffer, not of the whole', () => {
    expect(encodeBase64(Buffer.from('abcdef').subarray(2, 5))).toBe('Y2Rl');
  });
  // Each would give bytes to a lenient reader: two texts for one signature.
  it.each([
    'Y2R', 'Y2Rl ', ' Y2Rl', 'Y2Rl\n', 'Y2==', 'Y2Rlx', 'Y2Rl====', 'Y2R_', 'Y2R-',
    'YR==', '=', 'Y=2R',
  ])('has no other spelling such as "%s"', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
