import { DomainError, systemClock, type Clock, type Context, type Epoch, type LogEpoch, type LogHead, type LogKey, type LogMark, type Position, type StoredEvent, type Tenant } from '@millrace/kernel';
import { append } from './append.ts';
import { NO_SEGMENTS } from './archived-bodies.ts';
import { compactCounts, counts } from './counts.ts';
import { Database } from './database.ts';
import type { AppendOutcome, AppendUnit, Counting, EventStore, KnownEvent, PlacedOutcome, Receipt, RejectToKeep, SourceCount } from './event-store.ts';
import { tallyEvents, type EventTally } from './event-tally.ts';
import { domainErrorOf } from './failure.ts';
import { findEvents } from './find-events.ts';
import { DEFAULT_LIMITS, GroupCommit, QueueBudget, type GroupCommitLimits } from './group-commit.ts';
import { head, heads } from './heads.ts';
import { logShards, raiseShards, type LogShards } from './log-shards.ts';
import { PlacedAppends } from './placed-append.ts';
import { logEpochs, renewLogEpoch, type EpochRenewal } from './log-epochs.ts';
import { LogTail } from './log-tail.ts';
import { prepareUnits, type PreparedUnit } from './prepared-unit.ts';
import { markAt, readPage, readPages, type LogPage, type PageRequest, type Sources } from './read-log.ts';
import { readEvent, readStream } from './read-stream.ts';
import { Receipts } from './receipts.ts';
import { listRejects, recordRejects, rejectBodies, type RejectBodies } from './rejects.ts';
import { LogArchive } from './segments/log-archive.ts';
import { SegmentFiles } from './segments/segment-files.ts';
import { oldestSnapshot, type OldestSnapshot } from './oldest-snapshot.ts';
import { askForPlaces } from './stream-placement.ts';

export interface PgEventStoreOptions {
  /** Connection string of the event database with the service's own role. */
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Connections at most, 6 unless told: two per log appended to at the same time, the rest for reading. */
  readonly poolSize?: number;
  /** Source of `recordedtime`. */
  readonly clock?: Clock;
  /** Folder of the segments that archived ranges are read from; without it they answer `segments-not-configured`. */
  readonly segmentsDir?: string;
  /** Batch and queue bounds; the defaults are measured. */
  readonly limits?: Partial<GroupCommitLimits>;
}

/**
 * The event store on Postgres. Appends of one log are committed in groups, in the order they came per stream; positions are dense and in
 * commit order over all processes. Safe to share between callers; `close` after the last call. See README.md for what is promised.
 */
export class PgEventStore implements EventStore {
  private readonly limits: GroupCommitLimits;
  private readonly budget: QueueBudget;
  private readonly receipts: Receipts;
  private readonly logs = new Map<string, GroupCommit>();
  private readonly placed: PlacedAppends;
  private readonly sources: Sources;

  private constructor(private readonly database: Database, private readonly clock: Clock, limits: Partial<GroupCommitLimits>, private readonly segmentsDir: string | undefined) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.budget = new QueueBudget(this.limits);
    this.receipts = new Receipts(database);
    this.sources = { database, archived: segmentsDir === undefined ? NO_SEGMENTS : new SegmentFiles(database, segmentsDir) };
    this.placed = new PlacedAppends(askForPlaces(database), this.budget, (log) => this.groupCommit(log));
  }

  /** Opens no connection yet: a database that is away shows at the first call, as `event-store-unavailable`. */
  static connect(options: PgEventStoreOptions): PgEventStore {
    const database = new Database({ url: options.url, applicationName: options.applicationName, poolSize: options.poolSize ?? 6 });
    return new PgEventStore(database, options.clock ?? systemClock, options.limits ?? {}, options.segmentsDir);
  }

  async append(log: LogKey, units: readonly AppendUnit[], options: Counting & { epoch?: Epoch } = {}): Promise<AppendOutcome[]> {
    const prepared = prepareUnits(log, units, options, this.clock.now());
    return this.groupCommit(log).append(prepared, options.epoch);
  }

  async appendTo(tenant: Tenant, context: Context, units: readonly AppendUnit[], options: Counting = {}): Promise<PlacedOutcome[]> {
    return this.appendPrepared(tenant, context, prepareUnits({ tenant, context, shard: 0 }, units, options, this.clock.now()));
  }

  /** As `appendTo`, for units that `prepareUnits` made elsewhere: in a thread that has no connection of its own. */
  appendPrepared(tenant: Tenant, context: Context, units: readonly PreparedUnit[]): Promise<PlacedOutcome[]> {
    return this.placed.append(tenant, context, units);
  }

  private groupCommit(log: LogKey): GroupCommit {
    const key = `${log.tenant}/${log.context}/${log.shard}`;
    const found = this.logs.get(key);
    if (found !== undefined) return found;
    const tail = new LogTail();
    const made = new GroupCommit(log, this.limits, this.budget, (epoch, units, lookFirst) => append(this.database, log, tail, epoch, units, lookFirst), this.placed.handOver);
    this.logs.set(key, made);
    return made;
  }

  async findEvents(tenant: Tenant, ids: readonly string[]): Promise<KnownEvent[]> {
    try {
      const found = await findEvents(this.database, tenant, ids);
      return [...found].map(([id, { log, position, fingerprint }]) => ({ id, log, position, fingerprint }));
    } catch (error) {
      throw domainErrorOf(error);
    }
  }

  async findEvent(tenant: Tenant, id: string): Promise<StoredEvent | undefined> {
    try {
      const at = (await findEvents(this.database, tenant, [id])).get(id);
      return at === undefined ? undefined : await readEvent(this.sources, at);
    } catch (error) {
      throw domainErrorOf(error);
    }
  }

  heads(tenant?: Tenant): Promise<LogHead[]> {
    return heads(this.database, tenant);
  }

  head(log: LogKey): Promise<LogHead | undefined> {
    return head(this.database, log);
  }

  read(log: LogKey, after: Position, limit: number, maxBytes?: number): Promise<StoredEvent[]> {
    return readPage(this.sources, log, { after, limit, maxBytes }).then((page) => [...page.events]);
  }

  readPage(log: LogKey, request: PageRequest): Promise<LogPage> {
    return readPage(this.sources, log, request);
  }

  pages(log: LogKey, request: PageRequest): AsyncGenerator<LogPage, void, void> {
    return readPages(this.sources, log, request);
  }

  mark(log: LogKey, position: Position): Promise<LogMark | undefined> {
    return markAt(this.database, log, position);
  }

  epochs(log: LogKey): Promise<LogEpoch[]> {
    return logEpochs(this.database, log);
  }

  /** Renews a log's epoch as part of a recovery; granted to the relaying service. See `EpochRenewal`. */
  renewEpoch(log: LogKey, renewal: EpochRenewal): Promise<Epoch> {
    return renewLogEpoch(this.database, log, renewal);
  }

  readStream(tenant: Tenant, stream: string, after: number, limit: number): Promise<StoredEvent[]> {
    return readStream(this.sources, tenant, stream, after, limit);
  }

  /** How old the oldest snapshot on the event database is; granted to the relaying service. */
  oldestSnapshot(): Promise<OldestSnapshot> {
    return oldestSnapshot(this.database);
  }

  /** Moves old ranges to segments; granted to the relaying service. `invalid` (`segments-not-configured`) without a folder for them. */
  archive(): LogArchive {
    if (this.segmentsDir === undefined) throw new DomainError('invalid', 'segments-not-configured', {}, 'There is no folder for segments: set MILLRACE_SEGMENTS_DIR.');
    return new LogArchive(this.database, new SegmentFiles(this.database, this.segmentsDir), this.segmentsDir);
  }

  /** Both bodies of a conflict, the stored event's from the log where it has been archived; granted to the relaying service. */
  async rejectBodies(tenant: Tenant, rejectId: string): Promise<RejectBodies | undefined> {
    const found = await rejectBodies(this.database, tenant, rejectId);
    if (found?.eventId === undefined || found.firstBody !== undefined) return found;
    const first = await this.findEvent(tenant, found.eventId);
    return first === undefined ? found : { ...found, firstBody: first.data };
  }

  recordReceipt(tenant: Tenant, via: string, received: number): Promise<Receipt> {
    return this.receipts.record(tenant, via, received);
  }

  recordRejects(rejects: readonly RejectToKeep[], receipt?: Receipt): Promise<void> {
    return recordRejects(this.database, rejects, receipt);
  }

  listRejects(tenant: Tenant, limit: number, beforeId?: string): Promise<Omit<RejectToKeep, 'body'>[]> {
    return listRejects(this.database, tenant, limit, beforeId);
  }

  counts(tenant?: Tenant): Promise<SourceCount[]> {
    return counts(this.database, tenant);
  }

  /** How many logs a context has; for the relaying service. */
  logShards(tenant: Tenant, context: Context): Promise<LogShards> {
    return logShards(this.database, tenant, context);
  }

  /** Raises the count of a context's logs, see `raiseShards` in log-shards.ts; for the relaying service. */
  raiseShards(tenant: Tenant, context: Context, shards: number): Promise<LogShards> {
    return raiseShards(this.database, tenant, context, shards);
  }

  /** Counts rows of a log, by source; granted to the relaying service. */
  tallyEvents(log: LogKey, after: Position, through: Position): Promise<EventTally> {
    return tallyEvents(this.database, log, after, through);
  }

  /** Folds counter deltas together; granted to the relaying service. Returns the rows saved. */
  compactCounts(): Promise<number> {
    return compactCounts(this.database);
  }

  /** Waits until every append taken is answered, then ends all connections. Appends made after this fail as `event-store-unavailable`. */
  async close(): Promise<void> {
    await this.budget.drained();
    await this.database.close();
  }
}
