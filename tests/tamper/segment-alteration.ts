import { createHash } from 'node:crypto';
import { cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBBlobValue, DuckDBInstance } from '@duckdb/node-api';
import { hashLeaf } from '@millrace/ledger';
import type { Alteration } from './alteration.ts';
import type { Owner } from './cosigned-logs.ts';

/** What can be done to a segment's bytes. A file written anew goes into the manifest under its own hash: it is as whole as the true one. */
export const SEGMENT_WAYS = ['flip', 'truncate', 'remove', 'swap', 'rewrite'] as const;
export type SegmentWay = (typeof SEGMENT_WAYS)[number];

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The same JSON with another digit, which every sample's data has: an alteration that alters nothing could not be found. */
const withAnotherDigit = (data: Buffer): Buffer => {
  const altered = Buffer.from(data.toString('utf8').replace(/\d/, (digit) => String((Number(digit) + 1) % 10)));
  if (altered.equals(data)) throw new Error(`there is no digit to alter in ${data.toString('utf8', 0, 80)}`);
  return altered;
};

/** A segment with another digit in the data at one position. A forger lets the leaf in file and row follow. */
const rewrite = async (owner: Owner, file: string, folder: string, { log, position, forged }: Alteration): Promise<void> => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const part = join(folder, 'forged.part');
  try {
    const found = (await connection.runAndReadAll(`SELECT envelope, salt, data, leaf FROM read_parquet('${file}') WHERE position = ${position}`)).getRows();
    const [envelope, salt, data, leaf] = found[0]!.map((value) => (value instanceof DuckDBBlobValue ? Buffer.from(value.bytes) : Buffer.alloc(0)));
    const altered = withAnotherDigit(data!);
    const following = forged ? Buffer.from(hashLeaf(Buffer.concat([envelope!, sha256(salt!, altered)]))) : leaf!;
    const at = (bytes: Buffer, column: string): string => `CASE WHEN position = ${position} THEN from_hex('${bytes.toString('hex')}') ELSE ${column} END AS ${column}`;
    await connection.run(`COPY (SELECT * REPLACE (${at(altered, 'data')}, ${at(following, 'leaf')}) FROM read_parquet('${file}') ORDER BY position) TO '${part}' (FORMAT parquet)`);
    if (forged) await owner.run('update millrace.event set leaf = $5 where tenant = $1 and context = $2 and shard = $3 and position = $4', [log.tenant, log.context, log.shard, position, following]);
  } finally {
    connection.closeSync();
  }
  const bytes = await readFile(part);
  await owner.run('update millrace.segment set sha256 = $5, bytes = $6 where tenant = $1 and context = $2 and shard = $3 and $4 between from_position and to_position',
    [log.tenant, log.context, log.shard, position, sha256(bytes), bytes.length]);
  await rename(part, join(folder, `${sha256(bytes).toString('hex')}.parquet`));
};

/** Does it to the segment in which the drawn position stands. */
export const alterSegment = async (owner: Owner, folder: string, alteration: Alteration): Promise<void> => {
  const { log, position, column: way } = alteration;
  const segments = await owner.run<{ sha256: Buffer; here: boolean }>(
    'select sha256, $4 between from_position and to_position as here from millrace.segment where tenant = $1 and context = $2 and shard = $3 order by here desc', [log.tenant, log.context, log.shard, position]);
  const [file, other] = segments.map((segment) => join(folder, `${segment.sha256.toString('hex')}.parquet`));
  const bytes = await readFile(file!);
  if (way === 'flip') {
    bytes[(position * 7919) % bytes.length]! ^= 1 << (position % 8);
    await writeFile(file!, bytes);
  }
  if (way === 'truncate') await truncate(file!, bytes.length - 1 - (position % 100));
  if (way === 'remove') await rm(file!);
  if (way === 'swap') {
    await cp(other!, file!);
    await writeFile(other!, bytes);
  }
  if (way === 'rewrite') await rewrite(owner, file!, folder, alteration);
};
