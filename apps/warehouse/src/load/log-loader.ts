import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchHandler, EventBatch, Taken } from '@millrace/event-bus';
import { DomainError, type LogKey, type LogMark } from '@millrace/kernel';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import type { Lake, LakeSegment } from '../lake/lake.ts';
import { removeStarRows } from '../star/star-writer.ts';
import { LoadPositions } from './load-position.ts';
import { ParkedEvents } from './parked-events.ts';
import { redactedWithin, Redactions, withheld } from './redactions.ts';
import { applyToStar } from './star-load.ts';

export interface LogLoaderOptions {
  readonly database: WarehouseDatabase;
  readonly lake: Lake;
  /** After a commit that followed orders of redaction. */
  readonly redacted?: (log: LogKey, events: number) => void;
  /** Merging of lake files failed; the next batch tries again. */
  readonly onMergeFailure?: (error: unknown) => void;
}

/** Event data loaded between two times that freed memory is given back. */
const GIVE_BACK_BYTES = 8 * 1024 * 1024;

/**
 * Loads batches of one log at a time: raw into the lake, facts (in the newest version of their type) into the star, the position with both in one transaction. A crash at any
 * moment leaves either the batch or nothing of it; a file without its manifest entry is written again with the same content. A batch
 * that doesn't follow on what is loaded is refused, so nothing is doubled or skipped.
 */
export class LogLoader implements BatchHandler {
  private readonly positions: LoadPositions;
  private readonly parkedEvents: ParkedEvents;
  private readonly redactions: Redactions;
  private loadedBytes = 0;

  constructor(private readonly options: LogLoaderOptions) {
    this.positions = new LoadPositions(options.database);
    this.parkedEvents = new ParkedEvents(options.database);
    this.redactions = new Redactions(options.lake);
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
      if (log.context === 'security') await this.redactions.forget(tx, log.tenant);
      await this.parkedEvents.forget(tx, log);
      await this.positions.forget(tx, log);
      return dropped;
    });
    await lake.remove(segments);
  }

  /** Counted by what the lake's manifest holds, which is kept apart from the load position and committed with it. */
  async taken(log: LogKey): Promise<Taken | undefined> {
    const taken = await this.options.database.exclusively((connection) => this.options.lake.taken(connection, log));
    return taken && { ...taken, from: 0 };
  }

  parked(log: LogKey): Promise<number> {
    return this.parkedEvents.count(log);
  }

  async apply(batch: EventBatch): Promise<void> {
    const { database } = this.options;
    let followed: number | undefined;
    while (followed === undefined) followed = await this.commit(batch);
    if (followed > 0) this.options.redacted?.(batch.log, followed);
    await this.mergeFiles(batch.log, batch.mark.epoch);
    this.loadedBytes += batch.events.reduce((sum, event) => sum + event.data.length, 0);
    if (this.loadedBytes < GIVE_BACK_BYTES) return;
    this.loadedBytes = 0;
    await database.giveBackMemory();
  }

  /** Answers the orders of redaction followed; undefined when one of another log came between file and transaction: the file is then written anew. */
  private async commit(batch: EventBatch): Promise<number | undefined> {
    const { database, lake } = this.options;
    const { log, mark, events } = batch;
    const within = (connection: DuckDBConnection) => redactedWithin(connection, log, events[0]?.position ?? 0, mark.position);
    const { redacted, segments } = await database.exclusively(async (connection) => {
      const known = await within(connection);
      return { redacted: known, segments: await lake.write(connection, log, mark.epoch, withheld(events, known)) };
    });
    return database.transaction(async (tx) => {
      await this.refuseGap(tx, batch);
      if ((await within(tx)).size !== redacted.size) return undefined;
      await applyToStar(tx, database.star.schema, this.parkedEvents, batch);
      await lake.record(tx, segments);
      await this.positions.save(tx, log, mark);
      return this.redactions.follow(tx, events);
    });
  }

  private async refuseGap(tx: DuckDBConnection, { log, events, mark }: EventBatch): Promise<void> {
    const loaded = await this.positions.lock(tx, log);
    const [first] = events;
    if (first?.position === (loaded?.position ?? 0) + 1 && (loaded === undefined || loaded.epoch === mark.epoch)) return;
    throw new DomainError('conflict', 'load-out-of-order', { loaded: loaded?.position ?? 0, first: first?.position ?? 0 }, 'Expected the batch after the last one loaded. Read the load position again and continue there.');
  }

  private async mergeFiles(log: LogKey, epoch: number): Promise<void> {
    const { database, lake } = this.options;
    try {
      const segments = await database.exclusively((connection) => lake.segments(connection, log, epoch));
      if (!lake.mergeable(segments)) return;
      const within = (connection: DuckDBConnection) => redactedWithin(connection, log, 1, Number.MAX_SAFE_INTEGER);
      const { merges, redacted } = await database.exclusively(async (connection) => ({ redacted: await within(connection), merges: await lake.merged(connection, segments) }));
      if (merges.length === 0) return;
      const merged = await database.transaction(async (tx) => {
        // What was redacted since stands in the merged files still: they are no one's, and the next batch merges again.
        if ((await within(tx)).size !== redacted.size) return false;
        for (const { made, parts } of merges) {
          for (const part of parts) await lake.drop(tx, part);
          await lake.record(tx, [made]);
        }
        return true;
      });
      if (!merged) return await lake.remove(merges.map(({ made }) => made));
      await lake.remove(merges.flatMap(({ made, parts }): LakeSegment[] => parts.filter((part) => part.first !== made.first || part.last !== made.last)));
    } catch (error) {
      // The batch is loaded: small files cost space and speed, never correctness, so loading goes on.
      this.options.onMergeFailure?.(error);
    }
  }
}
