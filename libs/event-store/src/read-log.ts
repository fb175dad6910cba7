import { DomainError, logName, type LogKey, type LogMark, type Position, type StoredEvent } from '@millrace/kernel';
import { escapeLiteral } from 'pg';
import type { ArchivedBodies } from './archived-bodies.ts';
import type { Database } from './database.ts';
import { eventColumns, fromTuple, storedEvent, viewOf, type EventRow } from './event-row.ts';
import { head } from './heads.ts';
import { canMatch, filterCondition, isFiltering, type EventFilter } from './log-filter.ts';

/** What to read of a log. */
export interface PageRequest extends EventFilter {
  /** Events after this position; 0: from the beginning. */
  readonly after: Position;
  /** Most events in the page; 10,000 at most. */
  readonly limit: number;
  /** The page ends once its data has so many bytes, 16 MiB unless told; one event comes whatever its size. */
  readonly maxBytes?: number;
}

/** Events in order. Every position after the request's `after` up to `through` was looked at: what isn't here does not fit the filter. */
export interface LogPage {
  readonly events: readonly StoredEvent[];
  /** Where to go on; equal to `after` when there was nothing more to look at. */
  readonly through: Position;
}

/** What reading needs besides the log. */
export interface Sources {
  readonly database: Database;
  readonly archived: ArchivedBodies;
}

/** Most bytes of data one read returns when the caller names no bound: a page must fit into memory many times over. */
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS = 10_000;
/** Positions looked at for one filtered page: about a tenth of a second, so that no snapshot is held for long. */
const SCAN_POSITIONS = 20_000;

const gap = (log: LogKey, position: Position): DomainError => new DomainError(
  'conflict', 'log-gap', { log: logName(log), position },
  `Position ${position} of ${logName(log)} is missing in the event database, though later ones are there: rows were removed behind the log's back. Nothing past it is handed out; verify the ledger and restore.`,
);

const integer = (value: number): string => {
  if (Number.isSafeInteger(value)) return String(value);
  throw new DomainError('invalid', 'position-malformed', {}, 'A position, version, shard or limit is a whole number.');
};

/** The rows that fit `where`, by `order`, until their data reaches `maxBytes`; of one shard where that is known. */
export const readRows = async (database: Database, { tenant, context, shard }: Omit<LogKey, 'shard'> & { readonly shard?: number }, where: string, order: 'position' | 'stream_version', maxBytes: number): Promise<EventRow[]> => {
  const tuples = await database.copy(`SELECT p.shard, p.position, p.stream_version, p.leaf, p.salt, p.envelope, p.data, p.epoch
    FROM (SELECT e.*, coalesce(sum(octet_length(e.data)) OVER (ORDER BY e.${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM (SELECT ${eventColumns(context, escapeLiteral(tenant), shard === undefined ? 'e.shard' : integer(shard))} FROM ${viewOf(context)} e
        WHERE e.tenant = ${escapeLiteral(tenant)}${shard === undefined ? '' : ` AND e.shard = ${integer(shard)}`} AND ${where}) e) p
    WHERE p.before < ${integer(Math.max(1, Math.ceil(maxBytes)))} ORDER BY p.${order}`);
  return tuples.map((tuple) => fromTuple(tenant, context, tuple));
};

/** A range of positions instead of a LIMIT: positions are dense, and the planner knows a range to be small. */
const range = (log: LogKey, after: Position, through: Position): string =>
  `e.shard = ${integer(log.shard)} AND e.position > ${integer(after)} AND e.position <= ${integer(Math.min(through, Number.MAX_SAFE_INTEGER))}`;

/** Rows as events, the bodies of archived ones fetched, as many as `maxBytes` allows; at least one of the rows. */
export const withBodies = async (archived: ArchivedBodies, rows: readonly EventRow[], maxBytes = DEFAULT_MAX_BYTES): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  let bytes = 0;
  for (let at = 0; at < rows.length && (events.length === 0 || bytes < maxBytes);) {
    const row = rows[at]!;
    if (row.body !== undefined) {
      events.push(storedEvent(row, row.body));
      bytes += row.body.data.length;
      at += 1;
      continue;
    }
    const end = rows.findIndex((other, index) => index > at && (other.body !== undefined || other.log.shard !== row.log.shard));
    const run = rows.slice(at, end === -1 ? undefined : end);
    const bodies = await archived.bodies(run, maxBytes - bytes);
    for (const [index, body] of bodies.entries()) {
      events.push(storedEvent(run[index]!, body));
      bytes += body.data.length;
    }
    if (bodies.length < run.length) break;
    at += run.length;
  }
  return events;
};

/** Nothing was found after `after`: the log ends there, or it has a hole. A fresh head tells; what was appended meanwhile is no hole. */
const confirmEnd = async ({ database }: Sources, log: LogKey, after: Position): Promise<void> => {
  const end = await head(database, log);
  if (end === undefined || end.position <= after) return;
  const [row] = await readRows(database, log, range(log, after, after + 1), 'position', 1);
  if (row === undefined) throw gap(log, after + 1);
};

const wholePage = async (sources: Sources, log: LogKey, { after, limit, maxBytes = DEFAULT_MAX_BYTES }: PageRequest): Promise<LogPage> => {
  const rows = await readRows(sources.database, log, range(log, after, after + Math.min(limit, MAX_EVENTS)), 'position', maxBytes);
  const hole = rows.findIndex((row, index) => row.position !== after + index + 1);
  if (hole >= 0) throw gap(log, after + hole + 1);
  if (rows.length === 0 && limit > 0) await confirmEnd(sources, log, after);
  const events = await withBodies(sources.archived, rows, maxBytes);
  return { events, through: events.at(-1)?.position ?? after };
};

interface Scanned { readonly seen: number; readonly last: string | null; readonly hits: string[] | null; readonly thin_from: string | null; readonly thin_to: string | null }

/** Which of the next positions fit, and up to which one was looked. */
const scan = async (sources: Sources, log: LogKey, { after, limit, type, subject }: PageRequest): Promise<{ hits: Position[]; last: Position }> => {
  const filter: EventFilter = { type, subject };
  const [found] = await sources.database.query<Scanned & Record<string, unknown>>({
    text: `SELECT count(*)::integer AS seen, max(e.position) AS last, (array_agg(e.position ORDER BY e.position) FILTER (WHERE ${filterCondition(filter)}))[1:${integer(limit)}] AS hits,
        min(e.position) FILTER (WHERE e.envelope IS NULL) AS thin_from, max(e.position) FILTER (WHERE e.envelope IS NULL) AS thin_to
      FROM ${viewOf(log.context)} e WHERE e.tenant = $1 AND ${range(log, after, after + SCAN_POSITIONS)}`,
    values: [log.tenant],
  });
  const last = Number(found!.last ?? after);
  if (found!.seen === 0) await confirmEnd(sources, log, after);
  if (found!.seen !== last - after) throw gap(log, await firstMissing(sources, log, after, last));
  const inTable = (found!.hits ?? []).map(Number);
  const inSegments = found!.thin_from === null ? [] : await sources.archived.matching(log, Number(found!.thin_from), Number(found!.thin_to), filter, limit);
  const hits = [...new Set([...inSegments, ...inTable])].toSorted((a, b) => a - b);
  return hits.length < limit ? { hits, last } : { hits: hits.slice(0, limit), last: hits[limit - 1]! };
};

const firstMissing = async ({ database }: Sources, log: LogKey, after: Position, last: Position): Promise<Position> => {
  const rows = await database.query<{ position: string }>({ text: `SELECT e.position FROM ${viewOf(log.context)} e WHERE e.tenant = $1 AND ${range(log, after, last)} ORDER BY e.position`, values: [log.tenant] });
  return after + 1 + rows.findIndex((row, index) => Number(row.position) !== after + index + 1);
};

const filteredPage = async (sources: Sources, log: LogKey, request: PageRequest): Promise<LogPage> => {
  const { hits, last } = await scan(sources, log, { ...request, limit: Math.min(request.limit, MAX_EVENTS) });
  if (hits.length === 0) return { events: [], through: last };
  const maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES;
  const rows = await readRows(sources.database, log, `e.position IN (${hits.map(integer).join(', ')})`, 'position', maxBytes);
  const events = await withBodies(sources.archived, rows, maxBytes);
  return { events, through: events.length < hits.length ? events.at(-1)!.position : last };
};

/**
 * The next page of a log. An appender gets its positions only after the one before it has committed, so a snapshot that holds a position
 * holds all below: a missing one is a DomainError `log-gap`. A filtered page looks at 20,000 positions at most and may be empty while
 * there is more: `through` says how far it looked.
 */
export const readPage = async (sources: Sources, log: LogKey, request: PageRequest): Promise<LogPage> => {
  if (!isFiltering(request)) return wholePage(sources, log, request);
  if (canMatch(request)) return filteredPage(sources, log, request);
  // No event can hold such a text; the log itself is looked at all the same, so that a hole in it isn't passed over.
  return filteredPage(sources, log, { ...request, type: '', subject: undefined });
};

/** Page after page to the log's end as it is when it is reached; the next one is read while the last is handed out, and no more are held. */
export const readPages = async function* (sources: Sources, log: LogKey, request: PageRequest): AsyncGenerator<LogPage, void, void> {
  const pageAfter = (after: Position): Promise<LogPage> => {
    const page = readPage(sources, log, { ...request, after });
    // It is awaited on the next turn, which never comes for a caller who stops: then its failure is nobody's.
    page.catch(() => undefined);
    return page;
  };
  let { after } = request;
  for (let next = pageAfter(after); ;) {
    const page = await next;
    if (page.through === after) return;
    after = page.through;
    next = pageAfter(after);
    yield page;
  }
};

/** Epoch and leaf at a position; undefined when the log has no such position. Archived events keep theirs. */
export const markAt = async (database: Database, log: LogKey, position: Position): Promise<LogMark | undefined> => {
  const [row] = await database.query<{ leaf: Buffer; epoch: string }>({
    name: `mark-${log.context}`,
    text: `SELECT e.leaf, (SELECT h.epoch FROM log.head h WHERE h.tenant = e.tenant AND h.context = '${log.context}' AND h.shard = e.shard) AS epoch
      FROM ${viewOf(log.context)} e WHERE e.tenant = $1 AND e.shard = $2 AND e.position = $3`,
    values: [log.tenant, log.shard, position],
  });
  return row === undefined ? undefined : { epoch: Number(row.epoch), position, leaf: row.leaf };
};
