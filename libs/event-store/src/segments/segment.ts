import { join } from 'node:path';
import { DomainError, logName, type LogKey, type Position } from '@millrace/kernel';

/** An entry of the manifest: positions `from` to `to`, both included, stand in the file named by its hash. */
export interface Segment {
  readonly log: LogKey;
  readonly from: Position;
  readonly to: Position;
  /** Hex, of the whole file. */
  readonly sha256: string;
  /** Of the file. */
  readonly bytes: number;
  /** Rows up to here have given up their bodies. */
  readonly thinnedThrough: Position;
}

/** An event as a segment keeps it: everything its row had. */
export interface SegmentRow {
  readonly position: Position;
  readonly id: string;
  readonly stream: string;
  readonly streamVersion: number;
  readonly fingerprint: Buffer;
  readonly leaf: Buffer;
  readonly salt: Buffer;
  readonly envelope: Buffer;
  readonly data: Buffer;
}

export const segmentFile = (dir: string, sha256: string): string => join(dir, `${sha256}.parquet`);

/** What is wrong with a segment's file, naming file and range. */
export const segmentFault = (kind: 'unavailable' | 'conflict', code: string, { log, from, to, sha256 }: Pick<Segment, 'log' | 'from' | 'to' | 'sha256'>, what: string): DomainError =>
  new DomainError(kind, code, { log: logName(log), from, to, segment: sha256 }, `Segment ${sha256}.parquet, positions ${from} to ${to} of ${logName(log)}, ${what}`);

export interface SegmentRecord extends Record<string, unknown> {
  readonly tenant: string; readonly context: LogKey['context']; readonly shard: number;
  readonly from_position: string; readonly to_position: string; readonly sha256: Buffer; readonly bytes: string; readonly thinned_through: string;
}

export const SEGMENT_COLUMNS = 'tenant, context, shard, from_position, to_position, sha256, bytes, thinned_through';

export const fromRecord = (record: SegmentRecord): Segment => ({
  log: { tenant: record.tenant, context: record.context, shard: record.shard }, from: Number(record.from_position), to: Number(record.to_position),
  sha256: record.sha256.toString('hex'), bytes: Number(record.bytes), thinnedThrough: Number(record.thinned_through),
});
