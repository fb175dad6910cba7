import { hash } from 'node:crypto';
import { formatBundle } from './entry-bundle.ts';
import { CHECKPOINT_PATH, dataPath, entriesPath } from './export-layout.ts';
import { TILE_WIDTH, tilePath, widthIn } from './tile.ts';
import { TileTree } from './tile-tree.ts';
import { EMPTY_ROOT, hashChildren, hashLeaf } from './tree-hash.ts';
import { splitOf } from './tree-range.ts';

// For specs only: the definitions of RFC 6962, 2.1, word for word, over all leaves at hand.

/** MTH */
export const naiveRoot = (leaves: readonly Uint8Array[]): Uint8Array => {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0]!;
  const k = splitOf(leaves.length);
  return hashChildren(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
};

/** PATH */
export const naivePath = (m: number, leaves: readonly Uint8Array[]): Uint8Array[] => {
  if (leaves.length <= 1) return [];
  const k = splitOf(leaves.length);
  return m < k ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))] : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
};

/** SUBPROOF, from PROOF(m, D) = SUBPROOF(m, D, true) */
export const naiveProof = (m: number, leaves: readonly Uint8Array[], known = true): Uint8Array[] => {
  if (m === leaves.length) return known ? [] : [naiveRoot(leaves)];
  const k = splitOf(leaves.length);
  return m <= k ? [...naiveProof(m, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))] : [...naiveProof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
};

/** Leaf hashes of the entries "0", "1", … */
export const sampleLeaves = (count: number, salt = ''): Uint8Array[] => Array.from({ length: count }, (_, n) => hashLeaf(Buffer.from(`${salt}${n}`)));

/** A small export as files by path; `bodies[n]` is salt ‖ data of the n-th event, undefined where it was redacted. */
export const sampleExport = (bodies: readonly (Buffer | undefined)[], note: (size: number, root: Uint8Array) => string): Map<string, Uint8Array> => {
  const entries = bodies.map((body, n) => Buffer.concat([Buffer.from(`{"id":"e-${n}"}`), hash('sha256', body ?? Buffer.from(`gone ${n}`), 'buffer')]));
  const [files, tree] = [new Map<string, Uint8Array>(), new TileTree()];
  const tiles = [...tree.append(Buffer.concat(entries.map(hashLeaf))), ...tree.partialTiles()];
  for (const tile of tiles) files.set(tilePath(tile), tile.hashes);
  for (let index = 0; index * TILE_WIDTH < entries.length; index += 1) {
    const from = index * TILE_WIDTH;
    const width = widthIn(entries.length, 0, index);
    files.set(entriesPath({ index, width }), formatBundle(entries.slice(from, from + width), 2));
    files.set(dataPath({ index, width }), formatBundle(bodies.slice(from, from + width).map((body) => body ?? Buffer.alloc(0)), 4));
  }
  return files.set(CHECKPOINT_PATH, Buffer.from(note(entries.length, tree.root())));
};
