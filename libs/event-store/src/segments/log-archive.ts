import { createHash } from 'node:crypto';
import { DomainError, logName, REDACTED_DATA, REDACTED_SALT, type LogKey, type Position } from '@millrace/kernel';
import { escapeLiteral } from 'pg';
import type { Tuple } from '../copy-rows.ts';
import type { Database } from '../database.ts';
import { viewOf } from '../event-row.ts';
import type { SegmentFiles } from './segment-files.ts';
import { collectOrphans, removeSegment, writeSegment } from './segment-writer.ts';
import type { Segment, SegmentRow } from './segment.ts';

/** What to archive. */
export interface ArchiveRequest {
  /** The last position to archive; what is below it and not archived yet goes first. */
  readonly through: Position;
  /** Events in a segment, 50,000 unless told; it ends earlier at 64 MiB. */
  readonly segmentEvents?: number;
}

/** How far a log may be archived and is. */
export interface ArchiveStanding {
  readonly head: Position;
  readonly archivedThrough: Position;
  /** Size of the epoch's last cosigned checkpoint: nothing beyond it may be archived. */
  readonly provenThrough: Position;
}

/** A segment is held in memory once while it is written, and its largest row group once while it is read. */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;
const DEFAULT_SEGMENT_EVENTS = 50_000;
const PAGE = 2000;
/** Rows thinned in one transaction: some tens of milliseconds, in which nothing else is locked. */
const THIN_ROWS = 1000;

const rowOf = ([position, id, stream, version, fingerprint, leaf, salt, envelope, data]: Tuple): SegmentRow | undefined => (
  position && id && stream && version && fingerprint && leaf && salt && envelope && data
    ? { position: Number(position.readBigInt64BE()), id: id.toString('utf8'), stream: stream.toString('utf8'), streamVersion: Number(version.readBigInt64BE()), fingerprint, leaf, salt, envelope, data }
    : undefined
);

/** As sql/0009_redaction.sql writes it into the row. */
const REDACTED = { data: Buffer.from(REDACTED_DATA), salt: Buffer.from(REDACTED_SALT) };

const BYTEA = 17;
const INT8 = 20;

/** SHA-256 over rows as Postgres' record_send writes (position, salt, envelope, data): what `thin_events` computes over what it takes out. */
export const digestOf = (rows: readonly SegmentRow[]): Buffer => {
  const hash = createHash('sha256');
  for (const { position, salt, envelope, data } of rows) {
    const place = Buffer.alloc(8);
    place.writeBigInt64BE(BigInt(position));
    const fields: [number, Buffer][] = [[INT8, place], [BYTEA, salt], [BYTEA, envelope], [BYTEA, data]];
    const count = Buffer.alloc(4);
    count.writeInt32BE(fields.length);
    hash.update(count);
    for (const [type, bytes] of fields) {
      const head = Buffer.alloc(8);
      head.writeInt32BE(type);
      head.writeInt32BE(bytes.length, 4);
      hash.update(head).update(bytes);
    }
  }
  return hash.digest();
};

const same = (a: SegmentRow, b: SegmentRow | undefined): boolean => b !== undefined && a.position === b.position && a.id === b.id && a.stream === b.stream && a.streamVersion === b.streamVersion
  && a.fingerprint.equals(b.fingerprint) && a.leaf.equals(b.leaf) && a.salt.equals(b.salt) && a.envelope.equals(b.envelope) && a.data.equals(b.data);

const refuse = (log: LogKey, through: Position, standing: ArchiveStanding): void => {
  const details = { log: logName(log), through, ...standing };
  if (through > standing.head) throw new DomainError('invalid', 'archive-beyond-head', details, `${logName(log)} ends at position ${standing.head}: archive up to there at most.`);
  if (through > standing.provenThrough) {
    throw new DomainError('conflict', 'archive-unproven', details, `${logName(log)} can be archived up to position ${standing.provenThrough}, where its last cosigned checkpoint ends; ${through} is beyond it, and its rows are the only proof of what they hold. Wait for the witness, or name a lower position.`);
  }
};

/**
 * Moves old positions of a log to segments, step by step. Whatever moment it is killed at, nothing is lost and the same call goes on: the file
 * is on disk and has been read back and compared with the rows before the manifest names it; rows give up their bodies only after that,
 * in small transactions, each comparing what it takes out with what the file holds. Positions never move twice.
 */
export class LogArchive {
  constructor(private readonly database: Database, private readonly files: SegmentFiles, private readonly dir: string) {}

  /** `log-unknown` when there is no such log. */
  async standing(log: LogKey): Promise<ArchiveStanding> {
    const [row] = await this.database.query<{ position: string; archived: string; proven: string }>({
      text: `SELECT h.position, h.archived_through AS archived, millrace.archive_limit(h.tenant, h.context, h.shard) AS proven FROM log.head h WHERE h.tenant = $1 AND h.context = $2 AND h.shard = $3`,
      values: [log.tenant, log.context, log.shard],
    });
    if (row === undefined) throw new DomainError('not-found', 'log-unknown', { log: logName(log) }, `There is no log ${logName(log)} of this tenant: nothing to archive.`);
    return { head: Number(row.position), archivedThrough: Number(row.archived), provenThrough: Number(row.proven) };
  }

  /** Removes files that killed runs left and no log's manifest names. Answers how many went. */
  async collectOrphans(olderThanMs?: number): Promise<number> {
    const named = await this.database.query<{ sha256: Buffer }>({ text: 'SELECT sha256 FROM log.segment' });
    return collectOrphans(this.dir, new Set(named.map(({ sha256 }) => sha256.toString('hex'))), olderThanMs);
  }

  /** The manifest's segment whose rows have not all been thinned: a run was interrupted. */
  async unfinished(log: LogKey): Promise<Segment | undefined> {
    return (await this.files.segments(log)).find((segment) => segment.thinnedThrough < segment.to);
  }

  /** Writes and enters the log's next segment; undefined when everything up to `through` is archived. Rows stay as they are. */
  async next(log: LogKey, { through, segmentEvents = DEFAULT_SEGMENT_EVENTS }: ArchiveRequest): Promise<Segment | undefined> {
    const standing = await this.standing(log);
    if (through <= standing.archivedThrough) return undefined;
    refuse(log, through, standing);
    const from = standing.archivedThrough + 1;
    const rows = await this.rowsFrom(log, from, Math.min(through, from + segmentEvents - 1));
    const { sha256, bytes } = await writeSegment(this.dir, rows);
    const segment: Segment = { log, from, to: rows.at(-1)!.position, sha256, bytes, thinnedThrough: from - 1 };
    const written = await this.files.rows(segment);
    const differing = rows.find((row, index) => !same(row, written[index]));
    if (differing !== undefined || written.length !== rows.length) throw new DomainError('unavailable', 'segment-unwritable', { log: logName(log), position: differing?.position ?? from }, 'A segment read back differs from the rows it was written from; nothing was archived. Check the disk of the folder of segments.');
    await this.database.query({
      text: 'SELECT millrace.register_segment($1, $2, $3, $4, $5, $6, $7)', values: [log.tenant, log.context, log.shard, segment.from, segment.to, Buffer.from(sha256, 'hex'), bytes],
    });
    return segment;
  }

  /** Takes the bodies out of a segment's rows, from where that stopped; each step is a transaction of its own. */
  async thin(segment: Segment): Promise<void> {
    const { log } = segment;
    for (let from = segment.thinnedThrough + 1; from <= segment.to; from += THIN_ROWS) {
      const to = Math.min(segment.to, from + THIN_ROWS - 1);
      const digest = digestOf(await this.files.rows(segment, from, to));
      await this.database.query({ text: 'SELECT millrace.thin_events($1, $2, $3, $4, $5, $6)', values: [log.tenant, log.context, log.shard, from, to, digest] });
    }
  }

  /** Puts an archived event's body back into its row, so that it can be redacted there. Answers whether the row has changed; nothing else does. */
  async refill(log: LogKey, position: Position): Promise<boolean> {
    const segment = await this.segmentAt(log, position);
    const [row] = segment === undefined ? [] : await this.files.rows(segment, position, position);
    if (row === undefined) return false;
    const [answer] = await this.database.query<{ refilled: boolean }>({
      text: 'SELECT millrace.refill_event($1, $2, $3, $4, $5, $6, $7) AS refilled', values: [log.tenant, log.context, log.shard, position, row.salt, row.envelope, row.data],
    });
    return answer?.refilled === true;
  }

  /**
   * Writes the segment that holds a position anew without the data of whatever was redacted in its range, lets the manifest name that file,
   * and removes the old one. Answers the new segment; undefined when there is nothing to take out. Killed between, the old file is an orphan.
   */
  async redact(log: LogKey, position: Position): Promise<Segment | undefined> {
    const segment = await this.segmentAt(log, position);
    if (segment === undefined) return undefined;
    const redacted = await this.database.query<{ position: string }>({
      text: 'SELECT position FROM log.redaction WHERE tenant = $1 AND context = $2 AND shard = $3 AND position BETWEEN $4 AND $5', values: [log.tenant, log.context, log.shard, segment.from, segment.to],
    });
    const gone = new Set(redacted.map((row) => Number(row.position)));
    const rows = await this.files.rows(segment);
    if (!rows.some((row) => gone.has(row.position) && !row.data.equals(REDACTED.data))) return undefined;
    const { sha256, bytes } = await writeSegment(this.dir, rows.map((row) => (gone.has(row.position) ? { ...row, ...REDACTED } : row)));
    await this.database.query({
      text: 'SELECT millrace.replace_segment($1, $2, $3, $4, $5, $6, $7)', values: [log.tenant, log.context, log.shard, segment.from, Buffer.from(segment.sha256, 'hex'), Buffer.from(sha256, 'hex'), bytes],
    });
    await removeSegment(this.dir, segment.sha256);
    return { ...segment, sha256, bytes };
  }

  private async segmentAt(log: LogKey, position: Position): Promise<Segment | undefined> {
    return (await this.files.segments(log)).find(({ from, to }) => from <= position && position <= to);
  }

  private async rowsFrom(log: LogKey, from: Position, to: Position): Promise<SegmentRow[]> {
    const rows: SegmentRow[] = [];
    let bytes = 0;
    for (let after = from - 1; after < to && bytes < MAX_SEGMENT_BYTES;) {
      const tuples = await this.database.copy(`SELECT e.position, e.id, e.stream, e.stream_version, e.fingerprint, e.leaf, e.salt, e.envelope, e.data FROM ${viewOf(log.context)} e
        WHERE e.tenant = ${escapeLiteral(log.tenant)} AND e.shard = ${log.shard} AND e.position > ${after} AND e.position <= ${Math.min(to, after + PAGE)} ORDER BY e.position`);
      for (const tuple of tuples) {
        const row = rowOf(tuple);
        if (row?.position !== after + 1) throw new DomainError('conflict', 'log-gap', { log: logName(log), position: after + 1 }, `Position ${after + 1} of ${logName(log)} is missing or incomplete in the event database: it can't be archived. Verify the ledger and restore.`);
        rows.push(row);
        bytes += row.data.length + row.envelope.length;
        after = row.position;
        if (bytes >= MAX_SEGMENT_BYTES) break;
      }
      if (tuples.length === 0) throw new DomainError('conflict', 'log-gap', { log: logName(log), position: after + 1 }, `Position ${after + 1} of ${logName(log)} is missing in the event database: it can't be archived. Verify the ledger and restore.`);
    }
    return rows;
  }
}
