import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { literal, onOwnConnection } from './duckdb.ts';
import { segmentFile, type SegmentRow } from './segment.ts';

/** DuckDB's smallest row group: what one read decodes at least. */
export const ROW_GROUP = 2048;
/** A file that no manifest names may belong to a run that is about to enter it; after this long it doesn't. */
const ORPHAN_AGE_MS = 3_600_000;

const TABLE = `(position BIGINT, id VARCHAR, stream VARCHAR, stream_version BIGINT, type VARCHAR, subject VARCHAR, fingerprint BLOB, leaf BLOB, salt BLOB, envelope BLOB, data BLOB)`;

const sync = async (path: string, flags: 'r' | 'r+'): Promise<void> => {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Hex SHA-256 of a file, read in pieces. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

const fill = (rows: readonly SegmentRow[], part: string): Promise<void> => onOwnConnection(async (connection) => {
  await connection.run(`CREATE TEMP TABLE segment ${TABLE}`);
  const appender = await connection.createAppender('segment');
  for (const row of rows) {
    const { type, subject } = JSON.parse(row.envelope.toString('utf8')) as { type?: string; subject?: string };
    appender.appendBigInt(BigInt(row.position));
    appender.appendVarchar(row.id);
    appender.appendVarchar(row.stream);
    appender.appendBigInt(BigInt(row.streamVersion));
    for (const text of [type, subject]) {
      if (text === undefined) appender.appendNull();
      else appender.appendVarchar(text);
    }
    for (const bytes of [row.fingerprint, row.leaf, row.salt, row.envelope, row.data]) appender.appendBlob(bytes);
    appender.endRow();
  }
  appender.closeSync();
  await connection.run(`COPY (SELECT * FROM segment ORDER BY position) TO ${literal(part)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`);
});

/**
 * Writes rows of one log, in the order of their positions, as a Parquet file named by its hash: whole and on disk under that name, or not
 * there at all. Readable by its owner only. The same file written twice is one file.
 */
export const writeSegment = async (dir: string, rows: readonly SegmentRow[]): Promise<{ sha256: string; bytes: number }> => {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const part = join(dir, `.${randomUUID()}.part`);
  try {
    await fill(rows, part);
    await chmod(part, 0o600);
    await sync(part, 'r+');
    const { size } = await stat(part);
    const sha256 = await hashFile(part);
    await rename(part, segmentFile(dir, sha256));
    await sync(dir, 'r');
    return { sha256, bytes: size };
  } finally {
    await rm(part, { force: true });
  }
};

/** Removes a file at once: what it held must not be read again. */
export const removeSegment = async (dir: string, sha256: string): Promise<void> => {
  await rm(segmentFile(dir, sha256), { force: true });
  await sync(dir, 'r');
};

/** Removes files that no manifest names and that have lain there for an hour: what killed runs left. Answers how many went. */
export const collectOrphans = async (dir: string, known: ReadonlySet<string>, olderThanMs = ORPHAN_AGE_MS): Promise<number> => {
  let gone = 0;
  for (const name of await readdir(dir).catch(() => [])) {
    const ours = /^([0-9a-f]{64})\.parquet$/.exec(name)?.[1] ?? (/^\.[0-9a-f-]{36}\.part$/.test(name) ? '' : undefined);
    if (ours === undefined || known.has(ours)) continue;
    const path = join(dir, name);
    if (Date.now() - (await stat(path)).mtimeMs < olderThanMs) continue;
    await rm(path, { force: true });
    gone += 1;
  }
  return gone;
};
