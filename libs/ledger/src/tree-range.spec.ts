import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { naiveRoot, sampleLeaves } from './testing.ts';
import { nodesFromTiles, tileOf } from './tile.ts';
import { EMPTY_ROOT } from './tree-hash.ts';
import { nodesOf, rangeHash, requireTreeSize, splitOf, type NodeId } from './tree-range.ts';

describe('where a tree is split', () => {
  it('is the greatest power of two below its size', () => fc.assert(fc.property(fc.integer({ min: 2, max: Number.MAX_SAFE_INTEGER }), (n) => {
    const k = splitOf(n);
    expect(Number.isInteger(Math.log2(k))).toBe(true);
    expect(k).toBeLessThan(n);
    expect(k * 2).toBeGreaterThanOrEqual(n);
  })));
  it.each([
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 4],
    [2 ** 32 + 1, 2 ** 32],
    [2 ** 52 + 1, 2 ** 52],
  ])('of %d leaves is %d', (n, k) => expect(splitOf(n)).toBe(k));
});

describe('a range', () => {
  it('without leaves is the empty tree', () => {
    const never = (): never => { throw new Error('nothing to read'); };
    expect(nodesOf({ begin: 4, end: 4 })).toEqual([]);
    expect(rangeHash({ begin: 4, end: 4 }, never)).toEqual(EMPTY_ROOT);
  });
  it('of a power of two that begins at its multiple is one node', () => fc.assert(fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 1000 }), (level, index) => {
    expect(nodesOf({ begin: index * 2 ** level, end: (index + 1) * 2 ** level })).toEqual([{ level, index }]);
  })));
  it('reads each node once, from left to right', () => {
    const read: NodeId[] = [];
    rangeHash({ begin: 0, end: 13 }, (node) => {
      read.push(node);
      return EMPTY_ROOT;
    });
    expect(read).toEqual([
      { level: 3, index: 0 },
      { level: 2, index: 2 },
      { level: 0, index: 12 },
    ]);
  });
});

describe('nodes in tiles', () => {
  const leaves = sampleLeaves(512);
  const level0 = (index: number): Uint8Array => Buffer.concat(leaves.slice(index * 256, (index + 1) * 256));

  it('are those of the tree, at every level of a tile', () => {
    const node = nodesFromTiles(({ index }) => level0(index));
    for (let level = 0; level < 8; level += 1) {
      const width = 2 ** level;
      const index = 512 / width - 1;
      expect(node({ level, index })).toEqual(naiveRoot(leaves.slice(index * width, (index + 1) * width)));
    }
  });
  it.each([
    [{ level: 0, index: 255 }, { level: 0, index: 0 }],
    [{ level: 0, index: 256 }, { level: 0, index: 1 }],
    [{ level: 7, index: 1 }, { level: 0, index: 0 }],
    [{ level: 7, index: 2 }, { level: 0, index: 1 }],
    [{ level: 8, index: 255 }, { level: 1, index: 0 }],
    [{ level: 9, index: 128 }, { level: 1, index: 1 }],
    [{ level: 16, index: 3 }, { level: 2, index: 0 }],
  ])('%j stands in tile %j', (node, tile) => expect(tileOf(node)).toEqual(tile));
});

describe('a tree\'s size', () => {
  it.each([0, 1, 2 ** 53 - 1])('may be %d', (size) => expect(() => requireTreeSize(size)).not.toThrow());
  it.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('may not be %d', (size) => {
    expect(() => requireTreeSize(size)).toThrow(expect.objectContaining({ code: 'tree-size-malformed' }));
  });
});
