import { stat } from 'node:fs/promises';
import { isDomainError, type LogKey, type Position } from '@millrace/kernel';
import type { DuckDBValue } from '@duckdb/node-api';
import type { ArchivedBodies } from '../archived-bodies.ts';
import type { Database } from '../database.ts';
import type { EventBody, EventRow } from '../event-row.ts';
import type { EventFilter } from '../log-filter.ts';
import { duckdb, literal } from './duckdb.ts';
import { hashFile, ROW_GROUP } from './segment-writer.ts';
import { fromRecord, SEGMENT_COLUMNS, segmentFault, segmentFile, type Segment, type SegmentRecord, type SegmentRow } from './segment.ts';

/** Decoded row groups kept for the next page: of ordinary events a dozen, of the largest one. */
const CACHE_BYTES = 32 * 1024 * 1024;

const bytesOf = (value: DuckDBValue | undefined): Buffer => {
  if (value !== null && typeof value === 'object' && 'bytes' in value && value.bytes instanceof Uint8Array) return Buffer.from(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  return Buffer.alloc(0);
};

/** False for a file that is not there; any other fault is thrown on. */
const isMissing = (error: unknown): false => {
  if (isDomainError(error) && error.code === 'segment-missing') return false;
  throw error;
};

type Group = ReadonlyMap<Position, SegmentRow>;
const sizeOf = (group: Group): number => [...group.values()].reduce((sum, row) => sum + row.envelope.length + row.data.length + 200, 0);

/** Rows of a segment's file between two positions, as they were written; reads row groups, not the file. */
const rowsOf = async (file: string, from: Position, to: Position): Promise<SegmentRow[]> => {
  const result = await (await duckdb()).run(
    `SELECT position, id, stream, stream_version, fingerprint, leaf, salt, envelope, data FROM read_parquet(${literal(file)}) WHERE position BETWEEN $1 AND $2 ORDER BY position`, [BigInt(from), BigInt(to)]);
  const rows: SegmentRow[] = [];
  for (const [position, id, stream, version, fingerprint, leaf, salt, envelope, data] of await result.getRows()) {
    rows.push({
      position: Number(position), id: String(id), stream: String(stream), streamVersion: Number(version),
      fingerprint: bytesOf(fingerprint), leaf: bytesOf(leaf), salt: bytesOf(salt), envelope: bytesOf(envelope), data: bytesOf(data),
    });
  }
  return rows;
};

/** The archived part of logs: manifest in Postgres, files in one folder. Every file is hashed before it is first used, and again when it has changed. */
export class SegmentFiles implements ArchivedBodies {
  private readonly checked = new Map<string, string>();
  private readonly groups = new Map<string, Group>();

  constructor(private readonly database: Database, private readonly dir: string) {}

  async bodies(rows: readonly EventRow[], maxBytes: number): Promise<EventBody[]> {
    const bodies: EventBody[] = [];
    let bytes = 0;
    let segment: Segment | undefined;
    let group: Group = new Map();
    // Read anew for every page, never kept: whoever verifies must see the manifest as it stands now.
    const manifest = rows[0] === undefined ? [] : await this.segments(rows[0].log);
    for (const row of rows) {
      if (bodies.length > 0 && bytes >= maxBytes) break;
      if (!group.has(row.position)) {
        segment = await this.segmentOf(row.log, row.position, manifest);
        group = await this.group(segment, row.position);
      }
      const kept = group.get(row.position);
      if (kept === undefined || !kept.leaf.equals(row.leaf)) throw segmentFault('conflict', 'segment-differs', segment!, `holds another event at position ${row.position} than its row's leaf says: verify the ledger and restore.`);
      bodies.push(kept);
      bytes += kept.data.length;
    }
    return bodies;
  }

  async matching(log: LogKey, from: Position, to: Position, { type, subject }: EventFilter, limit: number): Promise<Position[]> {
    const found: Position[] = [];
    const manifest = await this.segments(log);
    for (let at = from; at <= to && found.length < limit;) {
      const segment = await this.segmentOf(log, at, manifest);
      const end = Math.min(to, segment.to);
      const result = await (await duckdb()).run(
        `SELECT position FROM read_parquet(${literal(segmentFile(this.dir, segment.sha256))}) WHERE position BETWEEN $1 AND $2 AND ($3 IS NULL OR type = $3) AND ($4 IS NULL OR subject = $4) ORDER BY position LIMIT $5`,
        [BigInt(at), BigInt(end), type ?? null, subject ?? null, limit - found.length]);
      for (const [position] of await result.getRows()) found.push(Number(position));
      at = end + 1;
    }
    return found;
  }

  /** All rows of a segment between two of its positions, from a file checked against its hash. */
  async rows(segment: Segment, from = segment.from, to = segment.to): Promise<SegmentRow[]> {
    await this.check(segment);
    return rowsOf(segmentFile(this.dir, segment.sha256), from, to);
  }

  /** The manifest of a log as it is now. */
  async segments(log: LogKey): Promise<readonly Segment[]> {
    const records = await this.database.query<SegmentRecord>({
      name: 'segments', text: `SELECT ${SEGMENT_COLUMNS} FROM log.segment WHERE tenant = $1 AND context = $2 AND shard = $3 ORDER BY from_position`, values: [log.tenant, log.context, log.shard],
    });
    return records.map(fromRecord);
  }

  /** The segment of a position, its file checked. A file that is gone may have been replaced since: the manifest at hand is not believed then. */
  private async segmentOf(log: LogKey, position: Position, manifest: readonly Segment[]): Promise<Segment> {
    const covers = (segment: Segment): boolean => segment.from <= position && position <= segment.to;
    const known = manifest.find(covers);
    if (known !== undefined && await this.check(known).then(() => true, isMissing)) return known;
    const found = (await this.segments(log)).find(covers);
    if (found !== undefined) {
      await this.check(found);
      return found;
    }
    throw segmentFault('conflict', 'segment-unknown', { log, from: position, to: position, sha256: '(none)' }, 'is in no manifest, though its row says that it is archived: verify the ledger and restore.');
  }

  /** The row group around a position; decoded ones are kept while there is room, so that page after page decodes each once. */
  private async group(segment: Segment, position: Position): Promise<Group> {
    const from = position - ((position - segment.from) % ROW_GROUP);
    const key = `${segment.sha256} ${from}`;
    const kept = this.groups.get(key);
    if (kept !== undefined) return kept;
    const rows = await rowsOf(segmentFile(this.dir, segment.sha256), from, Math.min(segment.to, from + ROW_GROUP - 1));
    const group: Group = new Map(rows.map((row) => [row.position, row]));
    let room = CACHE_BYTES - sizeOf(group);
    for (const [other, held] of [...this.groups].toReversed()) {
      room -= sizeOf(held);
      if (room < 0) this.groups.delete(other);
    }
    this.groups.set(key, group);
    return group;
  }

  private async check(segment: Segment): Promise<void> {
    const file = segmentFile(this.dir, segment.sha256);
    const found = await stat(file).catch((error: unknown) => { throw this.unreadable(segment, error); });
    // The time of change can't be set back, as that of modification can.
    const state = `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
    if (this.checked.get(segment.sha256) === state) return;
    this.checked.delete(segment.sha256);
    if (found.size !== segment.bytes) throw segmentFault('conflict', 'segment-truncated', segment, `has ${found.size} bytes where ${segment.bytes} were written: restore the file from a backup.`);
    const sha256 = await hashFile(file);
    if (sha256 !== segment.sha256) throw segmentFault('conflict', 'segment-altered', segment, `holds other bytes than were written (SHA-256 ${sha256}): restore the file from a backup.`);
    this.checked.set(segment.sha256, state);
  }

  private unreadable(segment: Segment, error: unknown): Error {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    const fault = segmentFault('unavailable', 'segment-missing', segment, `can't be read (${code}): restore the file into the folder of segments.`);
    fault.cause = error;
    return fault;
  }
}
