import type { PgLedgerStore } from '@millrace/event-store';
import { HASH_BYTES, TILE_WIDTH, TileTree, type Checkpoint, type LogOrigin } from '@millrace/ledger';
import type { LeafMirror } from '../ledger/leaf-mirror.ts';

/** Leaf hashes by position, packed, for `count` leaves after `after`; fewer at the end. */
export type LeafReader = (after: number, count: number) => Promise<Uint8Array>;

/** Whole tiles, some 2 MiB. */
const PAGE_LEAVES = 256 * TILE_WIDTH;

/** Leaves that give the signed root are the ones that were signed, wherever they were kept. */
const isAuthentic = async (read: LeafReader, { size, root }: Checkpoint): Promise<boolean> => {
  const tree = new TileTree();
  while (tree.size < size) {
    const page = await read(tree.size, Math.min(PAGE_LEAVES, size - tree.size));
    if (page.length === 0) return false;
    tree.append(page);
  }
  return tree.size === size && Buffer.compare(tree.root(), root) === 0;
};

const fromTiles = (store: PgLedgerStore, origin: LogOrigin): LeafReader => async (after, count) => {
  const first = Math.floor(after / TILE_WIDTH);
  const indexes = Array.from({ length: Math.ceil((after + count) / TILE_WIDTH) - first }, (_, n) => first + n);
  const tiles = new Map((await store.tiles(origin, origin.epoch, indexes.map((index) => ({ level: 0, index })))).map((tile) => [tile.index, tile.hashes]));
  const pieces: Uint8Array[] = [];
  for (const index of indexes) {
    const hashes = tiles.get(index);
    if (hashes === undefined) break;
    pieces.push(hashes);
    if (hashes.length < TILE_WIDTH * HASH_BYTES) break;
  }
  const from = (after - first * TILE_WIDTH) * HASH_BYTES;
  return Buffer.concat(pieces).subarray(from, from + count * HASH_BYTES);
};

/**
 * Where the signed leaves can be read: the files beside the database, or its tiles. Undefined when both were changed; then a difference can
 * be proven but not placed. `mirror` tells whether the files are as they should be.
 */
export const authenticLeaves = async (store: PgLedgerStore, mirror: LeafMirror, origin: LogOrigin, checkpoint: Checkpoint): Promise<{ readonly read?: LeafReader; readonly mirror: boolean }> => {
  const mirrored: LeafReader = (after, count) => mirror.read(origin, after, count);
  if (await isAuthentic(mirrored, checkpoint)) return { read: mirrored, mirror: true };
  const tiled = fromTiles(store, origin);
  return { ...(await isAuthentic(tiled, checkpoint) ? { read: tiled } : {}), mirror: false };
};
