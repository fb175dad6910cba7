import { DomainError } from '@millrace/kernel';
import { HASH_BYTES, hashParents } from './tree-hash.ts';
import type { NodeId, NodeReader } from './tree-range.ts';

/** Levels of the tree that one tile holds, and the hashes of a full one (C2SP tlog-tiles). */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 2 ** TILE_HEIGHT;

/** A tile: `width` hashes (1 to 256, 256 is a full one) of nodes at level 8 × `level`, from node 256 × `index` on. */
export interface TileId {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

const fault = (message: string): DomainError => new DomainError('invalid', 'tile-malformed', {}, message);

/** 1234067 -> `x001/x234/067` */
const indexPath = (index: number): string => {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
};

const widthPath = (width: number): string => (width === TILE_WIDTH ? '' : `.p/${width}`);

/** `tile/0/x001/x234/067`, a partial one `tile/0/x001/x234/067.p/8`. */
export const tilePath = ({ level, index, width }: TileId): string => `tile/${level}/${indexPath(index)}${widthPath(width)}`;

/** Where the entries of a level-0 tile stand: `tile/entries/x001/x234/067`. */
export const bundlePath = ({ index, width }: Omit<TileId, 'level'>): string => `tile/entries/${indexPath(index)}${widthPath(width)}`;

/** Reads `tilePath`'s form and no other spelling; throws DomainError `tile-malformed`. */
export const parseTilePath = (path: string): TileId => {
  const match = /^tile\/(\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match !== null) {
    const tile = { level: Number(match[1]), index: Number(match[2]!.replaceAll(/[x/]/g, '')), width: match[3] === undefined ? TILE_WIDTH : Number(match[3]) };
    if (tile.level <= 63 && tile.width >= 1 && Number.isSafeInteger(tile.index) && tilePath(tile) === path) return tile;
  }
  throw fault(`A tile's path looks like tile/0/x001/234 or tile/0/x001/234.p/8; got "${path.slice(0, 80)}".`);
};

/** The tile of level `level` that holds a node, without its width: how far it is filled depends on the tree's size. */
export const tileOf = (node: NodeId): Omit<TileId, 'width'> => {
  const level = Math.floor(node.level / TILE_HEIGHT);
  return { level, index: Math.floor((node.index * 2 ** (node.level - level * TILE_HEIGHT)) / TILE_WIDTH) };
};

/** Hashes a tile of this place has in a tree of `size` leaves; 0 when the tree hasn't reached it. */
export const widthIn = (size: number, level: number, index: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH));

/** All tiles of a tree of `size` leaves, level by level from the leaves. */
export function* tilesOfTree(size: number): Generator<TileId> {
  for (let level = 0; widthIn(size, level, 0) > 0; level += 1) {
    for (let index = 0; ; index += 1) {
      const width = widthIn(size, level, index);
      if (width > 0) yield { level, index, width };
      if (width < TILE_WIDTH) break;
    }
  }
}

/** The root over a power of two of hashes. */
export const completeRoot = (hashes: Uint8Array, from: number, count: number): Uint8Array => {
  const level = Buffer.from(hashes.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES));
  for (let parents = count / 2; parents >= 1; parents /= 2) hashParents(level, parents);
  // A copy of its own: a view would keep the whole level in memory.
  return Buffer.from(level.subarray(0, HASH_BYTES));
};

/** Reads nodes from tiles; `tile` gives a tile's hashes (at least those of the tree asked about). `tile-malformed` when they are too few. */
export const nodesFromTiles = (tile: (id: Omit<TileId, 'width'>) => Uint8Array): NodeReader => (node) => {
  const id = tileOf(node);
  const hashes = tile(id);
  const count = 2 ** (node.level - id.level * TILE_HEIGHT);
  const from = node.index * count - id.index * TILE_WIDTH;
  if (hashes.length < (from + count) * HASH_BYTES) throw fault(`Tile ${id.level}/${id.index} should hold ${from + count} hashes and has ${Math.floor(hashes.length / HASH_BYTES)}: it was cut, or belongs to a smaller tree.`);
  return completeRoot(hashes, from, count);
};
