import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError, type LogKey } from '@millrace/kernel';
import { CHECKPOINT_PATH, dataPath, entriesPath, formatBundle, hashLeaf, TILE_WIDTH, tilePath, TileTree, widthIn, type Tile } from '@millrace/ledger';
import type { PlatformClient } from '../client/platform-client.ts';

interface ExportedEntry { readonly position: number; readonly entry: string; readonly salt?: string; readonly data?: string }

const bytes = (text = ''): Buffer => Buffer.from(text, 'base64');

/** A folder that holds something else would be mixed with the export. */
const makeEmpty = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new DomainError('conflict', 'folder-not-empty', { folder }, `${folder} is not empty: name a new folder for the export.`);
};

class ExportFolder {
  constructor(private readonly folder: string) {}

  async write(path: string, content: Uint8Array | string): Promise<void> {
    const file = join(this.folder, path);
    if (!existsSync(dirname(file))) await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  async writeTiles(tiles: readonly Tile[]): Promise<void> {
    for (const tile of tiles) await this.write(tilePath(tile), tile.hashes);
  }

  async writeBundle(index: number, entries: readonly ExportedEntry[]): Promise<void> {
    const bundle = { index, width: entries.length };
    await this.write(entriesPath(bundle), formatBundle(entries.map(({ entry }) => bytes(entry)), 2));
    await this.write(dataPath(bundle), formatBundle(entries.map(({ salt, data }) => (salt === undefined ? Buffer.alloc(0) : Buffer.concat([bytes(salt), bytes(data)]))), 4));
  }
}

const pageAfter = async (client: PlatformClient, log: LogKey, after: number, limit: number): Promise<ExportedEntry[]> => {
  const { entries } = await client.call('backbone', `/v1/ledger/logs/${log.context}/${log.shard}/entries`, { query: { tenant: log.tenant, after, limit } }) as { entries: ExportedEntry[] };
  const expected = entries.findIndex((entry, n) => entry.position !== after + n + 1);
  if (entries.length > 0 && expected === -1) return entries;
  throw new DomainError('conflict', 'position-missing', { position: after + Math.max(expected, 0) + 1 }, `The log has no position ${after + Math.max(expected, 0) + 1}, though a larger tree was cosigned: run \`millrace ledger verify\`.`);
};

/** Writes the log up to its last cosigned checkpoint; the checkpoint comes last, so that an export that was cut is none. */
export const exportLog = async (client: PlatformClient, log: LogKey, folder: string, progress: (done: number, total: number) => void): Promise<{ size: number }> => {
  const { checkpoint, size } = await client.call('backbone', `/v1/ledger/logs/${log.context}/${log.shard}/checkpoint`, { query: { tenant: log.tenant } }) as { checkpoint: string; size: number };
  await makeEmpty(folder);
  const [target, tree] = [new ExportFolder(folder), new TileTree()];
  while (tree.size < size) {
    const index = tree.size / TILE_WIDTH;
    const width = widthIn(size, 0, index);
    const entries: ExportedEntry[] = [];
    while (entries.length < width) entries.push(...await pageAfter(client, log, tree.size + entries.length, width - entries.length));
    await target.writeBundle(index, entries);
    await target.writeTiles(tree.append(Buffer.concat(entries.map(({ entry }) => hashLeaf(bytes(entry))))));
    progress(tree.size, size);
  }
  await target.writeTiles(tree.partialTiles());
  await target.write(CHECKPOINT_PATH, checkpoint);
  return { size };
};
