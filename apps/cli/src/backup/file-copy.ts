import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DomainError } from '@millrace/kernel';
import type { ManifestFile } from './manifest.ts';

/** Told of bytes copied or checked. */
export type OnBytes = (bytes: number) => void;

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Copies a file and answers what was written; undefined when the source is gone. Not durable before `syncFileSystem`. */
export const copyHashed = async (from: string, to: string, onBytes: OnBytes): Promise<Pick<ManifestFile, 'bytes' | 'sha256'> | undefined> => {
  const source = await open(from, 'r').catch((error: unknown) => { if (isGone(error)) return undefined; throw error; });
  if (source === undefined) return undefined;
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const target = await open(to, 'w', 0o600);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of source.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) {
        hash.update(chunk as Buffer);
        await target.writeFile(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        onBytes((chunk as Buffer).length);
      }
    } finally {
      await target.close();
    }
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await source.close();
  }
};

export const writeSynced = async (path: string, content: string): Promise<Pick<ManifestFile, 'bytes' | 'sha256'>> => {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes: Buffer.byteLength(content), sha256: createHash('sha256').update(content).digest('hex') };
};

/** Makes everything on the folder's file system durable: a thousand files at once cost what a handful of fsyncs would. */
export const syncFileSystem = async (folder: string): Promise<void> => {
  await promisify(execFile)('sync', ['-f', folder]);
};

/** Makes names in a folder durable. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Writes whole or not at all. */
export const writeDurably = async (path: string, content: string): Promise<void> => {
  await writeSynced(`${path}.partial`, content);
  await rename(`${path}.partial`, path);
  await syncFolder(dirname(path));
};

const hashOf = async (path: string, onBytes: OnBytes): Promise<{ bytes: number; sha256: string } | undefined> => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      onBytes((chunk as Buffer).length);
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
};

const altered = (path: string, what: string): DomainError =>
  new DomainError('invalid', 'backup-altered', { path }, `the backup is not what was written: ${path} ${what}; nothing was changed: choose another backup`);

/** Reads every file and compares size and SHA-256. Throws `backup-altered`, naming the first that differs. */
export const verifyFiles = async (folder: string, files: readonly ManifestFile[], onBytes: OnBytes): Promise<void> => {
  for (const { path, bytes, sha256 } of files) {
    const found = await hashOf(join(folder, path), onBytes);
    if (found === undefined) throw altered(path, 'is missing');
    if (found.bytes !== bytes) throw altered(path, `has ${found.bytes} bytes, expected ${bytes}`);
    if (found.sha256 !== sha256) throw altered(path, 'has another SHA-256');
  }
};

/** Files below a folder that a manifest doesn't name are refused: something was put among them. */
export const refuseStrangers = async (folder: string, known: ReadonlySet<string>): Promise<void> => {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (!known.has(path)) throw altered(path, 'was not in it when it was made');
  }
};

/** The cluster's identity as its control file has it: its first eight bytes. Undefined where there is no cluster. */
export const systemIdentifierOf = async (dataDir: string): Promise<string | undefined> => {
  const control = await readFile(join(dataDir, 'global', 'pg_control')).catch((error: unknown) => { if (isGone(error)) return undefined; throw error; });
  return control?.readBigUInt64LE(0).toString();
};
