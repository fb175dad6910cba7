import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBBlobValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import { parseLogName, REDACTED_DATA, REDACTED_SALT, type LogKey, type StoredEvent } from '@millrace/kernel';
import { removeOrphans, writeDurably } from '../duckdb/durable-file.ts';
import { rowText } from '../duckdb/row-text.ts';
import { appendRows, columnList, createTable } from '../duckdb/table-definition.ts';
import { covers, fileNameOf, mergesOf, splitAtBlocks, type PositionRange } from './position-range.rule.ts';
import { RAW_EVENT, toRawRow } from './raw-table.ts';

/** One Parquet file of raw events; `bytes` is its size on disk. */
export interface LakeSegment extends PositionRange {
  readonly log: LogKey;
  readonly epoch: number;
  readonly bytes: number;
}

/** Larger blocks stay in several files: a merge must fit the owner's memory. */
const MOST_MERGED_BYTES = 64 * 1024 * 1024;
/** A finished block in so few files stays as it is: under load its files are large, and rewriting them would double what an event costs. */
const MOST_FILES_FINISHED = 4;
/** Rows per row group: the unit a reader skips by, and what the writer holds. */
const ROW_GROUP = 2048;
/** On sealed values, which hardly compress, the lowest level costs half of zstd's default and comes out no larger. */
const ZSTD_LEVEL = 1;

const key = ({ tenant, context, shard }: LogKey): (string | number)[] => [tenant, context, shard];

/**
 * Raw events as Parquet by position range. A file's name says what it holds, so writing it again changes nothing; the manifest, committed
 * with the load position, says which files count.
 */
export class Lake {
  private readonly root: string;

  constructor(dataDir: string) {
    this.root = join(dataDir, 'lake');
  }

  fileOf({ log, epoch, first, last }: Omit<LakeSegment, 'bytes'>): string {
    return join(this.root, `tenant=${log.tenant}`, `context=${log.context}`, `shard=${log.shard}`, `epoch=${epoch}`, fileNameOf({ first, last }));
  }

  /** Writes consecutive events of one log and epoch; outside of a transaction, since files need none. */
  async write(connection: DuckDBConnection, log: LogKey, epoch: number, events: readonly StoredEvent[]): Promise<LakeSegment[]> {
    const [first, last] = [events[0]?.position, events.at(-1)?.position];
    if (first === undefined || last === undefined) return [];
    const segments: LakeSegment[] = [];
    for (const range of splitAtBlocks({ first, last })) {
      // Made anew each time: deleting rows would not give their memory back.
      await connection.run(createTable(RAW_EVENT, 'temporary, empty'));
      await appendRows(connection, RAW_EVENT, events.filter(({ position }) => covers(range, { first: position, last: position })).map(toRawRow), { catalog: 'temp' });
      // Appended in the order of positions, which DuckDB keeps: sorting costs as much as compressing.
      segments.push(await this.writeFile(connection, { log, epoch, ...range }, `select ${columnList(RAW_EVENT)} from temp.${RAW_EVENT.name}`, []));
    }
    await connection.run(createTable(RAW_EVENT, 'temporary, empty'));
    return segments;
  }

  /** Adds segments to the manifest, within the caller's transaction. */
  async record(tx: DuckDBConnection, segments: readonly LakeSegment[]): Promise<void> {
    for (const { log, epoch, first, last, bytes } of segments) {
      await tx.run('insert into lake_segment values ($1, $2, $3, $4, $5, $6, $7)', [...key(log), epoch, first, last, bytes]);
    }
  }

  async segments(connection: DuckDBConnection, log: LogKey, epoch: number): Promise<LakeSegment[]> {
    const found = await connection.runAndReadAll('select first, last, bytes from lake_segment where tenant = $1 and context = $2 and shard = $3 and epoch = $4 order by first', [...key(log), epoch]);
    return found.getRowObjectsJS().map((row) => ({ log, epoch, first: Number(row['first']), last: Number(row['last']), bytes: Number(row['bytes']) }));
  }

  /** Whether `merged` would write anything. */
  mergeable(segments: readonly LakeSegment[]): boolean {
    return mergesOf(segments, MOST_FILES_FINISHED).length > 0;
  }

  /** Rewrites blocks in too many files as one file each. Answers what is to be recorded and dropped. */
  async merged(connection: DuckDBConnection, segments: readonly LakeSegment[]): Promise<{ made: LakeSegment; parts: LakeSegment[] }[]> {
    const merges: { made: LakeSegment; parts: LakeSegment[] }[] = [];
    for (const range of mergesOf(segments, MOST_FILES_FINISHED)) {
      const parts = segments.filter((segment) => covers(range, segment));
      const [some] = parts;
      if (!some || parts.reduce((sum, part) => sum + part.bytes, 0) > MOST_MERGED_BYTES) continue;
      // The parts are in order and DuckDB keeps insertion order, so nothing is sorted and little is held.
      const select = `select ${columnList(RAW_EVENT)} from read_parquet([${parts.map((_, index) => `$${index + 2}`).join(', ')}], hive_partitioning = false)`;
      merges.push({ made: await this.writeFile(connection, { log: some.log, epoch: some.epoch, ...range }, select, parts.map((part) => this.fileOf(part))), parts });
    }
    return merges;
  }

  /**
   * Takes an event's data and salt out of the file that holds it, which keeps its name; the manifest gets its new size. The file is exchanged
   * before the caller's transaction commits: rolled back, it is done again. An event that isn't there, or is redacted, changes nothing.
   */
  async redact(tx: DuckDBConnection, log: LogKey, position: number, eventId: string): Promise<void> {
    const holding = (await tx.runAndReadAll('select epoch, first, last from lake_segment where tenant = $1 and context = $2 and shard = $3 and $4 between first and last', [...key(log), position])).getRowObjects();
    for (const row of holding) {
      const segment = { log, epoch: Number(row['epoch']), first: Number(row['first']), last: Number(row['last']) };
      const file = this.fileOf(segment);
      const held = 'position = $2 and event_id = $3 and not (data = $4 and salt = $5)';
      const values = [file, BigInt(position), eventId, REDACTED_DATA, new DuckDBBlobValue(REDACTED_SALT)];
      if ((await tx.runAndReadAll(`select 1 from read_parquet($1, hive_partitioning = false) where ${held}`, values)).currentRowCount === 0) continue;
      const at = 'position = $3 and event_id = $4';
      const columns = RAW_EVENT.columns.map(([name]) => (name === 'data' ? `case when ${at} then $5 else data end as data` : name === 'salt' ? `case when ${at} then $6 else salt end as salt` : name)).join(', ');
      const { bytes } = await this.writeFile(tx, segment, `select ${columns} from read_parquet($2, hive_partitioning = false)`, values);
      await tx.run('update lake_segment set bytes = $1 where tenant = $2 and context = $3 and shard = $4 and epoch = $5 and first = $6 and last = $7', [bytes, ...key(log), segment.epoch, segment.first, segment.last]);
    }
  }

  async drop(tx: DuckDBConnection, { log, epoch, first, last }: LakeSegment): Promise<void> {
    await tx.run('delete from lake_segment where tenant = $1 and context = $2 and shard = $3 and epoch = $4 and first = $5 and last = $6', [...key(log), epoch, first, last]);
  }

  /** Events the manifest's segments hold of a log and epoch, with the load position of the same moment. */
  async taken(connection: DuckDBConnection, { tenant, context, shard }: LogKey): Promise<{ events: number; position: number } | undefined> {
    const [row] = (await connection.runAndReadAll(
      `select p.position, (select coalesce(sum(s.last - s.first + 1), 0) from lake_segment s where s.tenant = $1 and s.context = $2 and s.shard = $3 and s.epoch = p.epoch)::bigint as events
       from load_position p where p.tenant = $1 and p.context = $2 and p.shard = $3`, [tenant, context, shard])).getRowObjectsJS();
    return row && { events: Number(row['events']), position: Number(row['position']) };
  }

  /** Takes all of a log's segments out of the manifest, of whatever epoch; answers them. */
  async dropLog(tx: DuckDBConnection, log: LogKey): Promise<LakeSegment[]> {
    const found = await tx.runAndReadAll('select epoch, first, last, bytes from lake_segment where tenant = $1 and context = $2 and shard = $3', key(log));
    await tx.run('delete from lake_segment where tenant = $1 and context = $2 and shard = $3', key(log));
    return found.getRowObjectsJS().map((row) => ({ log, epoch: Number(row['epoch']), first: Number(row['first']), last: Number(row['last']), bytes: Number(row['bytes']) }));
  }

  async remove(segments: readonly LakeSegment[]): Promise<void> {
    for (const segment of segments) await rm(this.fileOf(segment), { force: true });
  }

  /** At start: what a crash left behind between file and manifest goes. */
  async removeOrphans(connection: DuckDBConnection): Promise<number> {
    const rows = (await connection.runAndReadAll('select tenant, context, shard, epoch, first, last from lake_segment')).getRowObjects();
    const known = rows.map((row) => this.fileOf({
      log: parseLogName(rowText(row, 'tenant'), `${rowText(row, 'context')}/${Number(row['shard'])}`), epoch: Number(row['epoch']), first: Number(row['first']), last: Number(row['last']),
    }));
    return removeOrphans(this.root, new Set(known));
  }

  private async writeFile(connection: DuckDBConnection, segment: Omit<LakeSegment, 'bytes'>, select: string, parameters: readonly DuckDBValue[]): Promise<LakeSegment> {
    const copy = `copy (${select}) to $1 (format parquet, compression zstd, compression_level ${ZSTD_LEVEL}, row_group_size ${ROW_GROUP})`;
    return { ...segment, bytes: await writeDurably(this.fileOf(segment), (temporary) => connection.run(copy, [temporary, ...parameters])) };
  }
}
