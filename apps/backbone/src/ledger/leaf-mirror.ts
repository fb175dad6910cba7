import { constants, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HASH_BYTES, type LogOrigin } from '@millrace/ledger';

/**
 * The leaf hashes of each origin, one after the other in a file outside of the database: position p at byte 32 (p - 1). Whoever rewrites
 * the database, rows, leaves and tiles alike, doesn't reach it; so verification can say not only that a log was changed but where. Never
 * believed by itself: its root must be the cosigned one. What is missing at its end is written again, so it isn't fsynced.
 */
export class LeafMirror {
  constructor(private readonly folder: string) {}

  private pathOf({ tenant, context, shard, epoch }: LogOrigin): string {
    return join(this.folder, `${tenant}.${context}.${shard}.${epoch}.leaves`);
  }

  /** How many leaves are kept, from the first on. */
  async size(origin: LogOrigin): Promise<number> {
    try {
      return Math.floor((await stat(this.pathOf(origin))).size / HASH_BYTES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  /** Writes hashes at their place; the same again changes nothing. */
  async write(origin: LogOrigin, after: number, leaves: Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const file = await open(this.pathOf(origin), constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      await file.write(leaves, 0, leaves.length, after * HASH_BYTES);
    } finally {
      await file.close();
    }
  }

  /** Up to `limit` hashes after a position, packed; fewer at the file's end. */
  async read(origin: LogOrigin, after: number, limit: number): Promise<Uint8Array> {
    if (await this.size(origin) <= after) return new Uint8Array();
    const file = await open(this.pathOf(origin), 'r');
    try {
      const bytes = Buffer.alloc(limit * HASH_BYTES);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, after * HASH_BYTES);
      return bytes.subarray(0, bytesRead - (bytesRead % HASH_BYTES));
    } finally {
      await file.close();
    }
  }
}
