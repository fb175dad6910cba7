import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { CONTEXTS } from '@millrace/kernel';
import { extensionOf, formatExtension, formatOrigin, parseOrigin } from './origin.ts';

const origins = fc.record({
  tenant: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
  context: fc.constantFrom(...CONTEXTS),
  shard: fc.integer({ min: 0, max: 9999 }),
  epoch: fc.integer({ min: 1, max: 10 ** 14 }),
});
const checkpoint = (extensions: string[]) => ({ origin: 'millrace/shop/sales/0/2', size: 1, root: Buffer.alloc(32), extensions });

describe('an origin', () => {
  it('is read back', () => fc.assert(fc.property(origins, (origin) => {
    expect(parseOrigin(formatOrigin(origin))).toEqual(origin);
  })));
  it.each([
    '',
    'millrace/shop/sales/0',
    'millrace/shop/sales/0/1/2',
    'millrace/Shop/sales/0/1',
    'millrace/shop/nonsense/0/1',
    'millrace/shop/sales/00/1',
    'millrace/shop/sales/0/0',
    'millrace/shop/sales/0/01',
    'millrace/../sales/0/1',
    'example.com/shop/sales/0/1',
    'millrace/shop/sales/0/1 ',
  ])('is not "%s"', (text) => {
    expect(parseOrigin(text)).toBeUndefined();
  });
});

describe('the line that names an earlier epoch', () => {
  it('is read back, among others', () => fc.assert(fc.property(origins, fc.integer({ min: 1, max: 2 ** 50 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (origin, size, root) => {
    const named = { origin: formatOrigin(origin), size, root: Buffer.from(root) };
    expect(extensionOf(checkpoint(['something else', formatExtension(named)]))).toEqual(named);
  })));
  it('may be absent', () => {
    expect(extensionOf(checkpoint([]))).toBeUndefined();
    expect(extensionOf(checkpoint(['hello']))).toBeUndefined();
  });
  it.each([
    'extends ',
    'extends millrace/shop/sales/0/1 0 AAAA',
    'extends millrace/shop/sales/0/1 5 AAAA',
    `extends nowhere 5 ${Buffer.alloc(32).toString('base64')}`,
    `extends millrace/shop/sales/0/1 05 ${Buffer.alloc(32).toString('base64')}`,
    `extends millrace/shop/sales/0/1 5 ${Buffer.alloc(32).toString('base64')} more`,
  ])('is refused when it reads "%s"', (line) => {
    expect(() => extensionOf(checkpoint([line]))).toThrow(expect.objectContaining({ code: 'checkpoint-malformed' }));
  });
});
