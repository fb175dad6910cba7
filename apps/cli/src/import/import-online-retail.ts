import { createHmac } from 'node:crypto';
import { DomainError } from '@millrace/kernel';
import type { WireEvent } from '@millrace/contracts';
import { readOnlineRetail, type OnlineRetailFile, type RetailFindings } from '@millrace/intake';
import type { EventBatch } from './event-batch.ts';
import { ImportJournal, type JournalEntry, type LogHeads } from './import-journal.ts';
import { silentProgress, type ImportProgress } from './import-progress.ts';
import { IntakeClient } from './intake-client.ts';
import { Lanes } from './lanes.ts';

export interface ImportOptions {
  /** Path of the CSV, plain or .gz. */
  readonly file: string;
  /** Base address of ingestion. */
  readonly ingestionUrl: string;
  /** Key of a source that is system of record for sales, customer and merchandise, and accepts times from 2010. */
  readonly sourceKey: string;
  /** Absent: nothing is remembered, and everything is sent. */
  readonly journalFile?: string;
  /** Where the tenant's logs stand now. Absent or failing: what the journal has can't be relied on, and everything is sent. */
  readonly heads?: () => Promise<LogHeads>;
  readonly progress?: ImportProgress;
  readonly signal?: AbortSignal;
  /** Requests on their way at once; events of one stream never overtake each other. */
  readonly lanes?: number;
  readonly giveUpAfterMs?: number;
  /** Waits between retries; given by specs, which don't. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

export interface ImportReport {
  readonly file: string;
  /** Events the file gives; accepted + duplicate + rejected + alreadyStored. */
  readonly events: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  /** Of the rejected: stored before with other content, which stays as it is. */
  readonly conflicts: number;
  /** Known from the journal of an earlier run with the same content, and not sent again. */
  readonly alreadyStored: number;
  /** Unnamed fields the intake dropped. */
  readonly dropped: number;
  readonly invoices: number;
  readonly lines: number;
  /** Lines of the invoices sent by this run. */
  readonly sentLines: number;
  readonly readSeconds: number;
  readonly sendSeconds: number;
  /** sentLines / sendSeconds, and / (readSeconds + sendSeconds). */
  readonly linesPerSecond: number;
  readonly linesPerSecondOverall: number;
  readonly requests: number;
  readonly retries: number;
  /** The first rejects, without data. */
  readonly rejects: readonly JournalEntry[];
  readonly found: RetailFindings;
}

/** Enough to keep the intake busy while one request commits; more only makes answers later. */
const DEFAULT_LANES = 4;
/** A machine that restarts its services needs seconds; a person who notices needs minutes. */
const DEFAULT_GIVE_UP_AFTER_MS = 30 * 60_000;
const MAX_REJECTS_SHOWN = 20;

const linesOf = ({ data }: WireEvent): number => (Array.isArray(data.lines) ? data.lines.length : 0);

interface Tally {
  accepted: number;
  duplicate: number;
  rejected: number;
  conflicts: number;
  alreadyStored: number;
  dropped: number;
  sentLines: number;
  rejects: JournalEntry[];
}

const count = (tally: Tally, entries: readonly JournalEntry[]): void => {
  for (const entry of entries) {
    tally[entry.outcome]++;
    if (entry.outcome !== 'rejected') continue;
    if (entry.code === 'id-conflict') tally.conflicts++;
    if (tally.rejects.length < MAX_REJECTS_SHOWN) tally.rejects.push(entry);
  }
};

/** 64 bits: enough that no change goes unseen by chance. Keyed, since a plain hash of an event would give its customer's five digits away. */
const digestOf = (event: WireEvent, sourceKey: string): string => createHmac('sha256', sourceKey).update(JSON.stringify(event)).digest('hex').slice(0, 16);

/** The epochs that answers are journalled with: asked at the start, and again when an answer names a log that wasn't there yet. */
class KnownHeads {
  heads: LogHeads = new Map();
  private readonly ask: () => Promise<LogHeads>;

  constructor(ask: ImportOptions['heads']) {
    this.ask = ask ?? (() => Promise.resolve(new Map()));
  }

  /** Nobody to tell only costs a repeated sending. */
  async refresh(): Promise<void> {
    this.heads = await this.ask().catch(() => this.heads);
  }

  async standing(entries: readonly JournalEntry[], digests: ReadonlyMap<string, string>): Promise<JournalEntry[]> {
    if (entries.some((entry) => entry.outcome !== 'rejected' && !this.heads.has(entry.log))) await this.refresh();
    return entries.map((entry) => (entry.outcome === 'rejected' ? entry : { ...entry, epoch: this.heads.get(entry.log)?.epoch, digest: digests.get(entry.id) }));
  }
}

/** Digests by id of the events that the journal doesn't vouch for. */
const digestsToSend = (source: OnlineRetailFile, journal: ImportJournal, heads: LogHeads, sourceKey: string): Map<string, string> => {
  const digests = new Map<string, string>();
  for (const event of source.events()) {
    const digest = digestOf(event, sourceKey);
    if (!journal.holds(event.id, digest, heads)) digests.set(event.id, digest);
  }
  return digests;
};

const sendAll = async (source: OnlineRetailFile, client: IntakeClient, journal: ImportJournal, tally: Tally, options: ImportOptions): Promise<void> => {
  const { progress = silentProgress, signal, lanes: laneCount = DEFAULT_LANES } = options;
  const known = new KnownHeads(options.heads);
  await known.refresh();
  const digests = digestsToSend(source, journal, known.heads, options.sourceKey);
  const lanes = new Lanes(laneCount, async (batch: EventBatch) => {
    const { entries, dropped } = await client.send(batch);
    // In the journal before it is counted: a number shown is a number kept.
    await journal.add(await known.standing(entries, digests));
    count(tally, entries);
    tally.dropped += dropped;
    tally.sentLines += batch.lines;
    progress.sent(batch.size, batch.lines);
  });
  tally.alreadyStored = source.eventCount - digests.size;
  progress.sending(source.eventCount, tally.alreadyStored);
  try {
    for (const event of source.events()) {
      signal?.throwIfAborted();
      if (digests.has(event.id)) await lanes.add(event, linesOf(event));
    }
    await lanes.finish();
  } finally {
    await lanes.settled();
  }
};

const interrupted = (error: unknown, signal: AbortSignal | undefined): unknown =>
  signal?.aborted === true ? new DomainError('unavailable', 'import-interrupted', {}, 'The import was interrupted. Run the same command again: it goes on where it stopped.') : error;

/**
 * Imports a UCI Online Retail file. The file is checked whole before the first event is sent. Repeating is safe at any time: ids are
 * deterministic, what the journal has as stored isn't sent again, and what was stored without an answer comes back as duplicate. An event
 * whose content changed since is sent, so that the store says what it thinks of it: a conflict, among the rejected.
 * Throws DomainError: `file-…` for a bad file (nothing sent), `import-refused`, `intake-unreachable`, `import-interrupted`.
 */
export const importOnlineRetail = async (options: ImportOptions): Promise<ImportReport> => {
  const { file, journalFile, progress = silentProgress, signal, giveUpAfterMs = DEFAULT_GIVE_UP_AFTER_MS } = options;
  const startedAt = performance.now();
  const journal = await ImportJournal.open(journalFile);
  const client = new IntakeClient({ ...options, giveUpAfterMs, onRetry: (why, waitMs) => progress.retrying(why, waitMs) });
  const tally: Tally = { accepted: 0, duplicate: 0, rejected: 0, conflicts: 0, alreadyStored: 0, dropped: 0, sentLines: 0, rejects: [] };
  try {
    const source = await readOnlineRetail(file, (lines) => progress.reading(lines));
    const readAt = performance.now();
    await sendAll(source, client, journal, tally, options);
    return reportOf(file, source, tally, client, readAt - startedAt, performance.now() - readAt);
  } catch (error) {
    throw interrupted(error, signal);
  } finally {
    progress.stop();
    await journal.close();
  }
};

const perSecond = (lines: number, ms: number): number => Math.round((lines * 1000) / Math.max(ms, 1));
const seconds = (ms: number): number => Math.round(ms) / 1000;

const reportOf = (file: string, { found, eventCount }: OnlineRetailFile, tally: Tally, { requests, retries }: IntakeClient, readMs: number, sendMs: number): ImportReport => {
  const { rejects, sentLines, ...counts } = tally;
  return {
    file, events: eventCount, ...counts, invoices: found.invoices, lines: found.lines, sentLines,
    readSeconds: seconds(readMs), sendSeconds: seconds(sendMs),
    linesPerSecond: perSecond(sentLines, sendMs), linesPerSecondOverall: perSecond(sentLines, readMs + sendMs),
    requests, retries, rejects, found,
  };
};
