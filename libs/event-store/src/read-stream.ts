import { DomainError, isContext, type Context, type StoredEvent, type Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';
import { EVENT_COLUMNS, fromRow, viewOf, type EventRow } from './event-row.ts';
import type { Located } from './append-plan.ts';

const contextOf = (stream: string): Context => {
  const context = stream.slice(0, stream.indexOf('.'));
  if (isContext(context)) return context;
  throw new DomainError('invalid', 'stream-name-malformed', {}, 'A stream is named <context>.<aggregate>/<id>, as in sales.order/81.');
};

/** Up to `limit` events of a stream after version `after`, in order and dense by version. */
export const readStream = async (database: Database, tenant: Tenant, stream: string, after: number, limit: number): Promise<StoredEvent[]> => {
  const context = contextOf(stream);
  if (!stream.isWellFormed() || stream.includes('\0')) return [];
  const rows = await database.query<EventRow>({
    name: `stream-${context}`,
    text: `SELECT ${EVENT_COLUMNS(context)} FROM ${viewOf(context)} e WHERE e.tenant = $1 AND e.stream = $2 AND e.stream_version > $3 ORDER BY e.stream_version LIMIT $4`,
    values: [tenant, stream, after, limit],
  });
  return rows.map((row) => fromRow(context, row));
};

/** The event at a place found by id. Undefined when it isn't there any more; `not-granted` when the caller may not read its context. */
export const readEvent = async (database: Database, at: Located): Promise<StoredEvent | undefined> => {
  const { tenant, context, shard } = at.log;
  const [row] = await database.query<EventRow>({
    name: `event-${context}`,
    text: `SELECT ${EVENT_COLUMNS(context)} FROM ${viewOf(context)} e WHERE e.tenant = $1 AND e.shard = $2 AND e.position = $3`,
    values: [tenant, shard, at.position],
  });
  return row === undefined ? undefined : fromRow(context, row);
};
