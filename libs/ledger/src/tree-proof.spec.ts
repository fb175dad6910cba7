import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { verifyConsistency, verifyInclusion, verifySubtree } from './proof-verification.ts';
import { naivePath, naiveProof, naiveRoot, sampleLeaves } from './testing.ts';
import { EMPTY_ROOT } from './tree-hash.ts';
import { consistencyPlan, inclusionPlan, nodesOfPlan, proofOf } from './tree-proof.ts';
import { nodesOf, rangeHash, type NodeReader } from './tree-range.ts';

const LEAVES = sampleLeaves(70);
/** Complete nodes by their definition. */
const node: NodeReader = ({ level, index }) => naiveRoot(LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level));
const rootOf = (size: number) => naiveRoot(LEAVES.slice(0, size));
const sizes = fc.integer({ min: 1, max: LEAVES.length });
const leafInTree = sizes.chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));
const grown = sizes.chain((size) => fc.tuple(fc.integer({ min: 1, max: size }), fc.constant(size)));
const flipped = (hash: Uint8Array, bit: number): Uint8Array => {
  const other = Uint8Array.from(hash);
  other[bit >> 3]! ^= 1 << (bit & 7);
  return other;
};
const oneChanged = (hashes: readonly Uint8Array[], bit: number): Uint8Array[] => hashes.map((hash, at) => (at === bit % hashes.length ? flipped(hash, bit) : hash));
const bits = fc.integer({ min: 0, max: 255 });

describe('roots', () => {
  it('are RFC 6962\'s at every size', () => fc.assert(fc.property(fc.integer({ min: 0, max: LEAVES.length }), (size) => {
    expect(rangeHash({ begin: 0, end: size }, node)).toEqual(rootOf(size));
  })));
  it('take one complete node per set bit of the size', () => fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (size) => {
    const nodes = nodesOf({ begin: 0, end: size });
    expect(nodes.map(({ level }) => level)).toEqual(size.toString(2).split('').flatMap((bit, at, all) => (bit === '1' ? [all.length - 1 - at] : [])));
    expect(nodes.reduce((at, { level, index }) => { expect(index * 2 ** level).toBe(at); return at + 2 ** level; }, 0)).toBe(size);
  })));
});

describe('inclusion proofs', () => {
  it('are RFC 6962\'s audit paths', () => fc.assert(fc.property(leafInTree, ([size, index]) => {
    expect(proofOf(inclusionPlan(index, size), node)).toEqual(naivePath(index, LEAVES.slice(0, size)));
  })));
  it('verify for their leaf, index, size and root alone', () => fc.assert(fc.property(leafInTree, bits, fc.integer({ min: 0, max: 80 }), ([size, index], bit, other) => {
    const path = proofOf(inclusionPlan(index, size), node);
    const verify = (part: { index?: number; leaf?: Uint8Array; root?: Uint8Array; path?: Uint8Array[] }) => verifyInclusion(part.index ?? index, size, part.leaf ?? LEAVES[index]!, part.root ?? rootOf(size), part.path ?? path);
    expect(verify({})).toBe(true);
    expect(verify({ leaf: flipped(LEAVES[index]!, bit) })).toBe(false);
    expect(verify({ root: flipped(rootOf(size), bit) })).toBe(false);
    expect(verify({ path: [...path, LEAVES[0]!] })).toBe(false);
    expect(verify({ index: other })).toBe(other === index);
  })));
  it('do not verify with a hash cut off or changed', () => fc.assert(fc.property(leafInTree, bits, ([size, index], bit) => {
    fc.pre(size > 1);
    const path = proofOf(inclusionPlan(index, size), node);
    for (const other of [path.slice(1), path.slice(0, -1), oneChanged(path, bit)]) expect(verifyInclusion(index, size, LEAVES[index]!, rootOf(size), other)).toBe(false);
  })));
  it('do not verify in another tree size with that tree\'s root', () => fc.assert(fc.property(leafInTree, sizes, ([size, index], other) => {
    fc.pre(other !== size);
    expect(verifyInclusion(index, other, LEAVES[index]!, rootOf(other), proofOf(inclusionPlan(index, size), node))).toBe(false);
  })));
  it('of a tree of five million leaves take 23 hashes', () => {
    expect(inclusionPlan(1, 5_000_000)).toHaveLength(23);
  });
  it.each([
    [3, 3],
    [-1, 3],
    [0.5, 3],
    [0, 0],
  ])('are refused for index %d of %d leaves', (index, size) => expect(() => inclusionPlan(index, size)).toThrow(expect.objectContaining({ code: 'leaf-outside-tree' })));
  it.each([
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
  ])('are refused for a tree of %d leaves', (size) => expect(() => inclusionPlan(0, size)).toThrow(expect.objectContaining({ code: 'tree-size-malformed' })));
});

describe('consistency proofs', () => {
  it('are RFC 6962\'s', () => fc.assert(fc.property(grown, ([old, size]) => {
    expect(proofOf(consistencyPlan(old, size), node)).toEqual(naiveProof(old, LEAVES.slice(0, size)));
  })));
  it('verify for their sizes and roots alone', () => fc.assert(fc.property(grown, bits, sizes, ([old, size], bit, other) => {
    const proof = proofOf(consistencyPlan(old, size), node);
    expect(verifyConsistency(old, size, rootOf(old), rootOf(size), proof)).toBe(true);
    expect(verifyConsistency(old, size, flipped(rootOf(old), bit), rootOf(size), proof)).toBe(false);
    expect(verifyConsistency(old, size, rootOf(old), flipped(rootOf(size), bit), proof)).toBe(false);
    expect(verifyConsistency(old, size, rootOf(old), rootOf(size), [...proof, LEAVES[0]!])).toBe(false);
    expect(verifyConsistency(other, size, rootOf(old), rootOf(size), proof)).toBe(other === old);
  })));
  it('do not verify with a hash changed', () => fc.assert(fc.property(grown, bits, ([old, size], bit) => {
    fc.pre(old < size);
    expect(verifyConsistency(old, size, rootOf(old), rootOf(size), oneChanged(proofOf(consistencyPlan(old, size), node), bit))).toBe(false);
  })));
  it('from nothing are empty, and prove nothing', () => {
    expect(consistencyPlan(0, 9)).toEqual([]);
    expect(verifyConsistency(0, 9, EMPTY_ROOT, rootOf(9), [])).toBe(false);
    expect(verifySubtree(0, 0, 9, EMPTY_ROOT, rootOf(9), [])).toBe(true);
    expect(verifySubtree(0, 0, 9, rootOf(1), rootOf(9), [])).toBe(false);
  });
  it('are refused backwards', () => {
    expect(() => consistencyPlan(5, 4)).toThrow(expect.objectContaining({ code: 'tree-shrinks' }));
    expect(verifyConsistency(5, 4, rootOf(5), rootOf(4), [])).toBe(false);
  });
  it('name the nodes they take, each complete', () => fc.assert(fc.property(grown, ([old, size]) => {
    for (const { level, index } of nodesOfPlan(consistencyPlan(old, size))) expect((index + 1) * 2 ** level).toBeLessThanOrEqual(size);
  })));
  it('are refused for what is no subtree', () => {
    expect(verifySubtree(1, 3, 8, LEAVES[1]!, rootOf(8), [])).toBe(false);
    expect(verifySubtree(4, 3, 8, EMPTY_ROOT, rootOf(8), [])).toBe(false);
    expect(verifySubtree(0, 9, 8, rootOf(8), rootOf(8), [])).toBe(false);
  });
});
