import type { DuckDBConnection } from '@duckdb/node-api';
import { upcast } from '@millrace/contracts';
import type { BatchHandler, EventBatch } from '@millrace/event-bus';
import { DomainError, isDomainError, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import type { Lake, LakeSegment } from '../lake/lake.ts';
import { object, type Data } from '../star/field-reader.ts';
import type { StarRows } from '../star/star-row.model.ts';
import { feedsStar, starRowsOf } from '../star/star.projection.ts';
import { removeStarRows, writeStarRows } from '../star/star-writer.ts';
import { LoadPositions } from './load-position.ts';
import { ParkedEvents } from './parked-events.ts';

export interface LogLoaderOptions {
  readonly database: WarehouseDatabase;
  readonly lake: Lake;
  /** After a commit. */
  readonly loaded?: (batch: EventBatch) => void;
  /** Merging of lake files failed; the next batch tries again. */
  readonly onMergeFailure?: (error: unknown) => void;
}

/** Event data loaded between two times that freed memory is given back. */
const GIVE_BACK_BYTES = 8 * 1024 * 1024;

interface Readable { readonly event: StoredEvent; readonly rows: StarRows }
interface Unreadable { readonly event: StoredEvent; readonly fault: DomainError }

const utf8 = new TextDecoder('utf-8', { fatal: true });

const dataOf = (event: StoredEvent): Data => {
  let data: unknown;
  try {
    data = JSON.parse(utf8.decode(event.data));
  } catch {
    throw new DomainError('invalid', 'event-data-malformed', { position: event.position }, 'The event\'s data is not JSON in UTF-8.');
  }
  return upcast(event.envelope.type, event.envelope.version, object(data, '')).data;
};

const read = (event: StoredEvent): Readable | Unreadable => {
  try {
    return { event, rows: starRowsOf(event, dataOf(event)) };
  } catch (error) {
    // A fault of ours must not stop the log either: the event is parked, and its text is not repeated, since it may quote the data.
    return { event, fault: isDomainError(error) ? error : new DomainError('invalid', 'projection-failed', { position: event.position }, 'The star\'s projection failed on this event.') };
  }
};

/**
 * Loads batches of one log at a time: raw into the lake, facts (in the newest version of their type) into the star, the position with both in one transaction. A crash at any
 * moment leaves either the batch or nothing of it; a file without its manifest entry is written again with the same content. A batch
 * that doesn't follow on what is loaded is refused, so nothing is doubled or skipped.
 */
export class LogLoader implements BatchHandler {
  private readonly positions: LoadPositions;
  private readonly parkedEvents: ParkedEvents;
  private loadedBytes = 0;

  constructor(private readonly options: LogLoaderOptions) {
    this.positions = new LoadPositions(options.database);
    this.parkedEvents = new ParkedEvents(options.database);
  }

  load(log: LogKey): Promise<LogMark | undefined> {
    return this.positions.load(log);
  }

  logs(): Promise<readonly LogKey[]> {
    return this.positions.logs();
  }

  /**
   * Takes a log out of star, lake and manifest in one transaction: rows and files name the epoch they were loaded in, so that after a
   * recovery the log is loaded anew. Files go after the commit; those that a crash leaves are no manifest's and go at the next start.
   */
  async reset(log: LogKey): Promise<void> {
    const { database, lake } = this.options;
    const segments = await database.transaction(async (tx) => {
      const dropped = await lake.dropLog(tx, log);
      await removeStarRows(tx, log);
      await this.parkedEvents.forget(tx, log);
      await this.positions.forget(tx, log);
      return dropped;
    });
    await lake.remove(segments);
  }

  parked(log: LogKey): Promise<number> {
    return this.parkedEvents.count(log);
  }

  async apply(batch: EventBatch): Promise<void> {
    const { database, lake } = this.options;
    const segments = await database.exclusively((connection) => lake.write(connection, batch.log, batch.mark.epoch, batch.events));
    await database.transaction(async (tx) => {
      await this.refuseGap(tx, batch);
      await this.star(tx, batch);
      await lake.record(tx, segments);
      await this.positions.save(tx, batch.log, batch.mark);
    });
    this.options.loaded?.(batch);
    await this.mergeFiles(batch.log, batch.mark.epoch);
    this.loadedBytes += batch.events.reduce((sum, event) => sum + event.data.length, 0);
    if (this.loadedBytes < GIVE_BACK_BYTES) return;
    this.loadedBytes = 0;
    await database.giveBackMemory();
  }

  private async refuseGap(tx: DuckDBConnection, { log, events, mark }: EventBatch): Promise<void> {
    const loaded = await this.positions.lock(tx, log);
    const [first] = events;
    if (first?.position === (loaded?.position ?? 0) + 1 && (loaded === undefined || loaded.epoch === mark.epoch)) return;
    throw new DomainError('conflict', 'load-out-of-order', { loaded: loaded?.position ?? 0, first: first?.position ?? 0 }, 'Expected the batch after the last one loaded. Read the load position again and continue there.');
  }

  private async star(tx: DuckDBConnection, { log, events }: EventBatch): Promise<void> {
    const feeding = events.filter((event) => feedsStar(event.envelope.type));
    if (feeding.length === 0) return;
    const waiting = new Set(await this.parkedEvents.keys(tx, log, [...new Set(feeding.map((event) => event.envelope.stream))]));
    const discarded = await this.parkedEvents.discarded(tx, log, feeding[0]?.position ?? 0, feeding.at(-1)?.position ?? 0);
    const readable: Readable[] = [];
    for (const outcome of feeding.filter(({ position, envelope }) => discarded.get(position) !== envelope.id).map(read)) {
      const { stream: key, id: eventId } = outcome.event.envelope;
      const park = (code: string, reason: string): Promise<void> => this.parkedEvents.park(tx, log, { position: outcome.event.position, key, eventId, code, reason });
      if (waiting.has(key)) await park('behind-parked', 'an earlier event of the same stream is parked');
      else if ('rows' in outcome) readable.push(outcome);
      else {
        waiting.add(key);
        await park(outcome.fault.code, outcome.fault.message.slice(0, 500));
      }
    }
    await writeStarRows(tx, readable);
  }

  private async mergeFiles(log: LogKey, epoch: number): Promise<void> {
    const { database, lake } = this.options;
    try {
      const segments = await database.exclusively((connection) => lake.segments(connection, log, epoch));
      const merges = await database.exclusively((connection) => lake.merged(connection, segments));
      if (merges.length === 0) return;
      await database.transaction(async (tx) => {
        for (const { made, parts } of merges) {
          for (const part of parts) await lake.drop(tx, part);
          await lake.record(tx, [made]);
        }
      });
      await lake.remove(merges.flatMap(({ made, parts }): LakeSegment[] => parts.filter((part) => part.first !== made.first || part.last !== made.last)));
    } catch (error) {
      // The batch is loaded: small files cost space and speed, never correctness, so loading goes on.
      this.options.onMergeFailure?.(error);
    }
  }
}
