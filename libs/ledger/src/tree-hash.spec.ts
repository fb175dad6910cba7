import { EMPTY_ROOT, HASH_BYTES, hashChildren, hashLeaf } from './tree-hash.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('tree hashes', () => {
  it('give the root of nothing its known value', () => expect(hex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'));
  it('give the empty entry its known leaf hash', () => expect(hex(hashLeaf(new Uint8Array()))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'));
  it('tell a node from a leaf of the same bytes', () => {
    const left = hashLeaf(Buffer.from('a'));
    const right = hashLeaf(Buffer.from('b'));
    expect(hex(hashChildren(left, right))).not.toBe(hex(hashLeaf(Buffer.concat([left, right]))));
    expect(hashChildren(left, right)).toHaveLength(HASH_BYTES);
  });
  it('depend on the order of the children', () => {
    const left = hashLeaf(Buffer.from('a'));
    const right = hashLeaf(Buffer.from('b'));
    expect(hex(hashChildren(left, right))).not.toBe(hex(hashChildren(right, left)));
  });
});
