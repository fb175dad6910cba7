import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { naiveRoot, sampleLeaves } from './testing.ts';
import { bundlePath, nodesFromTiles, parseTilePath, tilePath, tilesOfTree, TILE_WIDTH, widthIn } from './tile.ts';
import { TileTree, type Tile } from './tile-tree.ts';
import { EMPTY_ROOT, HASH_BYTES } from './tree-hash.ts';
import { inclusionPlan, proofOf } from './tree-proof.ts';
import { verifyInclusion } from './proof-verification.ts';

const LEAVES = sampleLeaves(70_000);
const bytesOf = (from: number, to: number): Buffer => Buffer.concat(LEAVES.slice(from, to));
/** Pieces to append, adding up to at most 1,500 leaves; TILE_WIDTH is crossed often. */
const pieces = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(TILE_WIDTH)), { maxLength: 5 });

class Shelf {
  readonly tiles = new Map<string, Tile>();
  keep(tiles: readonly Tile[]): void {
    for (const tile of tiles) this.tiles.set(`${tile.level}/${tile.index}`, tile);
  }
  read = ({ level, index }: { level: number; index: number }): Uint8Array => this.tiles.get(`${level}/${index}`)?.hashes ?? new Uint8Array();
}

describe('a tree of tiles', () => {
  it('has RFC 6962\'s root after every piece', () => fc.assert(fc.property(pieces, (lengths) => {
    const tree = new TileTree();
    for (const length of lengths) {
      tree.append(bytesOf(tree.size, tree.size + length));
      expect(tree.root()).toEqual(naiveRoot(LEAVES.slice(0, tree.size)));
    }
  }), { numRuns: 15 }));

  it('goes on from its kept tiles as if it had never stopped', () => fc.assert(fc.property(pieces, pieces, (before, after) => {
    const [whole, shelf] = [new TileTree(), new Shelf()];
    for (const length of before) shelf.keep(whole.append(bytesOf(whole.size, whole.size + length)));
    shelf.keep(whole.partialTiles());
    const resumed = TileTree.resume(whole.size, [...shelf.tiles.values()]);
    for (const length of after) {
      const more = bytesOf(whole.size, whole.size + length);
      expect(resumed.append(more)).toEqual(whole.append(more));
    }
    expect([resumed.size, resumed.root(), resumed.partialTiles()]).toEqual([whole.size, whole.root(), whole.partialTiles()]);
  }), { numRuns: 15 }));

  it('gives each tile once, full ones when they are full, partial ones when they changed', () => {
    const tree = new TileTree();
    expect(tree.append(bytesOf(0, 600)).map(({ level, index, width }) => [level, index, width])).toEqual([[0, 0, 256], [0, 1, 256]]);
    expect(tree.partialTiles().map(({ level, index, width }) => [level, index, width])).toEqual([[0, 2, 88], [1, 0, 2]]);
    expect(tree.partialTiles()).toEqual([]);
    tree.append(bytesOf(600, 601));
    expect(tree.partialTiles().map(({ level, index, width }) => [level, index, width])).toEqual([[0, 2, 89]]);
  });

  it('keeps what all proofs need, over three levels of tiles', () => {
    const [tree, shelf] = [new TileTree(), new Shelf()];
    shelf.keep(tree.append(bytesOf(0, LEAVES.length)));
    shelf.keep(tree.partialTiles());
    expect([...shelf.tiles.values()].map(({ level, index, width }) => tilePath({ level, index, width })).toSorted()).toEqual([...tilesOfTree(LEAVES.length)].map(tilePath).toSorted());
    for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
      const path = proofOf(inclusionPlan(index, LEAVES.length), nodesFromTiles(shelf.read));
      expect(verifyInclusion(index, LEAVES.length, LEAVES[index]!, tree.root(), path)).toBe(true);
    }
  });

  it('is empty at first, and refuses half a hash', () => {
    expect(new TileTree().root()).toEqual(EMPTY_ROOT);
    expect(() => new TileTree().append(Buffer.alloc(HASH_BYTES + 1))).toThrow(expect.objectContaining({ code: 'leaf-hash-malformed' }));
  });

  it('does not go on from tiles that are missing or short', () => {
    const tree = new TileTree();
    tree.append(bytesOf(0, 300));
    const [last, top] = tree.partialTiles();
    expect(() => TileTree.resume(300, [last!])).toThrow(expect.objectContaining({ code: 'tile-malformed' }));
    expect(() => TileTree.resume(300, [{ ...last!, hashes: last!.hashes.subarray(HASH_BYTES) }, top!])).toThrow(/tile 0\/1 with 44 hashes/);
    expect(() => proofOf(inclusionPlan(0, 300), nodesFromTiles(() => new Uint8Array()))).toThrow(/it was cut/);
  });
});

describe('the path of a tile', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'], [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 1, index: 273, width: 8 }, 'tile/1/273.p/8'], [{ level: 2, index: 1000, width: 1 }, 'tile/2/x001/000.p/1'],
  ])('of %j is %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });
  it('is read back', () => fc.assert(fc.property(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 2 ** 45 }), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
    expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
  })));
  it.each([
    'tile/0/0',
    'tile/64/000',
    'tile/0/x000/001',
    'tile/0/001.p/256',
    'tile/0/001.p/0',
    'tile/0/001.p/08',
    'tile/00/001',
    'tile/entries/001',
    '../tile/0/001',
    'tile/0/001/',
  ])('has no other spelling such as %s', (path) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: 'tile-malformed' }));
  });
  it('of its entries is theirs', () => {
    expect(bundlePath({ index: 1234, width: 3 })).toBe('tile/entries/x001/234.p/3');
  });
  it('knows how wide a tile is in a tree', () => {
    expect([widthIn(0, 0, 0), widthIn(256, 0, 0), widthIn(300, 0, 1), widthIn(300, 0, 2), widthIn(300, 1, 0), widthIn(255, 1, 0)]).toEqual([0, 256, 44, 0, 1, 0]);
  });
});
