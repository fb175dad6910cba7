import type { LogKey, LogMark, Position, StoredEvent } from '@millrace/kernel';
import type { Database } from './database.ts';
import { EVENT_COLUMNS, fromRow, viewOf, type EventRow } from './event-row.ts';

/** Most bytes of data one read returns when the caller names no bound: a page must fit into memory many times over. */
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS = 10_000;

/**
 * Committed events after `after`, in order and dense: an appender gets its positions only after the one before it has committed, so a
 * snapshot that holds a position holds all below. At least one event when there is one, whatever its size.
 */
export const readLog = async (database: Database, log: LogKey, after: Position, limit: number, maxBytes = DEFAULT_MAX_BYTES): Promise<StoredEvent[]> => {
  const rows = await database.query<EventRow>({
    name: `read-${log.context}`,
    text: `SELECT p.tenant, p.shard, p.position, p.stream_version, p.envelope, p.data, p.salt, p.leaf,
        (SELECT h.epoch FROM log.head h WHERE h.tenant = $1 AND h.context = '${log.context}' AND h.shard = $2) AS epoch
      FROM (SELECT e.*, sum(octet_length(e.data)) OVER (ORDER BY e.position ROWS UNBOUNDED PRECEDING) - octet_length(e.data) AS before
        FROM (SELECT tenant, shard, position, stream_version, envelope, data, salt, leaf FROM ${viewOf(log.context)}
          WHERE tenant = $1 AND shard = $2 AND position > $3 ORDER BY position LIMIT $4) e) p
      WHERE p.before < $5 ORDER BY p.position`,
    values: [log.tenant, log.shard, after, Math.min(limit, MAX_EVENTS), Math.max(1, maxBytes)],
  });
  return rows.map((row) => fromRow(log.context, row));
};

/** Epoch and leaf at a position; undefined when the log has no such position. */
export const markAt = async (database: Database, log: LogKey, position: Position): Promise<LogMark | undefined> => {
  const [row] = await database.query<EventRow>({
    name: `mark-${log.context}`,
    text: `SELECT ${EVENT_COLUMNS(log.context)} FROM ${viewOf(log.context)} e WHERE e.tenant = $1 AND e.shard = $2 AND e.position = $3`,
    values: [log.tenant, log.shard, position],
  });
  return row === undefined ? undefined : { epoch: Number(row.epoch), position, leaf: row.leaf };
};
