import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const sync = async (path: string, flags: 'r' | 'r+'): Promise<void> => {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** By its code alone: an error of Node's own may be of another realm, where `instanceof` fails. */
export const isAbsent = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** A name no manifest has, beside its final place so that the rename stays within one file system. */
const temporaryOf = (path: string): string => join(dirname(path), `.${basename(path)}.part`);

/** `write` fills a temporary file; it appears under `path` whole and on disk, or not at all. Answers its size in bytes. */
export const writeDurably = async (path: string, write: (temporary: string) => Promise<unknown>): Promise<number> => {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = temporaryOf(path);
  await write(temporary);
  await sync(temporary, 'r+');
  const { size } = await stat(temporary);
  await rename(temporary, path);
  await sync(folder, 'r');
  return size;
};

/** Removes every file below `root` that `known` (absolute paths) doesn't name, and folders left empty. Answers how many files went. */
export const removeOrphans = async (root: string, known: ReadonlySet<string>): Promise<number> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  const orphans = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).filter((path) => !known.has(path));
  for (const path of orphans) await rm(path, { force: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const folder of folders.toSorted((a, b) => b.length - a.length)) {
    if ((await readdir(folder)).length === 0) await rmdir(folder);
  }
  return orphans.length;
};
