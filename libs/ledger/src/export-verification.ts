import { hash } from 'node:crypto';
import { DomainError } from '@millrace/kernel';
import { openCheckpoint, type TrustedKeys, type VerifiedCheckpoint } from './checkpoint.ts';
import { parseBundle } from './entry-bundle.ts';
import { CHECKPOINT_PATH, dataPath, entriesPath } from './export-layout.ts';
import { tilePath, widthIn, TILE_WIDTH } from './tile.ts';
import { TileTree, type Tile } from './tile-tree.ts';
import { HASH_BYTES, hashLeaf } from './tree-hash.ts';

/** Reads a file of an export by its path within it; undefined when there is none. */
export type ExportReader = (path: string) => Promise<Uint8Array | undefined>;

/** What an export turned out to hold. */
export interface VerifiedExport {
  readonly checkpoint: VerifiedCheckpoint;
  readonly entries: number;
  /** Positions (from 1) whose data gave way to its digest. */
  readonly redacted: readonly number[];
}

const wrong = (code: string, message: string): DomainError => new DomainError('invalid', code, {}, message);

const need = async (read: ExportReader, path: string): Promise<Buffer> => {
  const found = await read(path);
  if (found === undefined) throw wrong('export-cut', `The export has no ${path}: it was cut, or never finished. Export the log again.`);
  return Buffer.from(found.buffer, found.byteOffset, found.byteLength);
};

const checkTiles = async (read: ExportReader, tiles: readonly Tile[]): Promise<void> => {
  for (const tile of tiles) {
    const found = await need(read, tilePath(tile));
    if (Buffer.compare(found, tile.hashes) === 0) continue;
    const at = tile.hashes.findIndex((byte, n) => byte !== found[n]);
    const first = (tile.index * TILE_WIDTH + Math.floor(Math.max(at, 0) / HASH_BYTES)) * TILE_WIDTH ** tile.level + 1;
    throw wrong('export-altered', `The entry${tile.level === 0 ? '' : ' range'} at position ${first} is not the one of ${tilePath(tile)}: one of the two was changed.`);
  }
};

const leavesOf = async (read: ExportReader, index: number, width: number, redacted: number[]): Promise<Buffer> => {
  const entries = parseBundle(await need(read, entriesPath({ index, width })), width, 2);
  const data = parseBundle(await need(read, dataPath({ index, width })), width, 4);
  for (const [n, entry] of entries.entries()) {
    const position = index * TILE_WIDTH + n + 1;
    const body = data[n];
    if (body === undefined || body.length === 0) redacted.push(position);
    else if (!hash('sha256', body, 'buffer').equals(entry.subarray(-HASH_BYTES))) throw wrong('export-altered', `The data at position ${position} is not what its entry commits to: it was changed.`);
  }
  return Buffer.concat(entries.map(hashLeaf));
};

/**
 * Checks a whole export with nothing but the keys one trusts: signatures, every entry, all data, every tile, the root. Throws a DomainError
 * of one line: what `openCheckpoint` throws, `export-cut`, `export-altered`, `bundle-malformed`. Holds one bundle in memory.
 */
export const verifyExport = async (read: ExportReader, keys: TrustedKeys, progress: (done: number, total: number) => void = () => undefined): Promise<VerifiedExport> => {
  const checkpoint = openCheckpoint((await need(read, CHECKPOINT_PATH)).toString('utf8'), keys);
  const [tree, redacted] = [new TileTree(), [] as number[]];
  while (tree.size < checkpoint.size) {
    const index = tree.size / TILE_WIDTH;
    const leaves = await leavesOf(read, index, widthIn(checkpoint.size, 0, index), redacted);
    await checkTiles(read, tree.append(leaves));
    progress(tree.size, checkpoint.size);
  }
  await checkTiles(read, tree.partialTiles());
  if (Buffer.compare(tree.root(), checkpoint.root) !== 0) throw wrong('export-altered', `The entries do not give the root signed for ${checkpoint.origin} at ${checkpoint.size}: entries and tiles were changed together.`);
  return { checkpoint, entries: tree.size, redacted };
};
