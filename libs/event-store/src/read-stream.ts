import { DomainError, isContext, type Context, type StoredEvent, type Tenant } from '@millrace/kernel';
import { escapeLiteral } from 'pg';
import type { Located } from './append-plan.ts';
import { readRows, withBodies, type Sources } from './read-log.ts';

/** What a command handler folds is loaded page by page; a page must fit into memory many times over. */
const MAX_BYTES = 16 * 1024 * 1024;

const contextOf = (stream: string): Context => {
  const context = stream.slice(0, stream.indexOf('.'));
  if (isContext(context)) return context;
  throw new DomainError('invalid', 'stream-name-malformed', {}, 'A stream is named <context>.<aggregate>/<id>, as in sales.order/81.');
};

/** Up to `limit` events of a stream after version `after`, in order and dense by version; fewer when their data passes 16 MiB. */
export const readStream = async ({ database, archived }: Sources, tenant: Tenant, stream: string, after: number, limit: number): Promise<StoredEvent[]> => {
  const context = contextOf(stream);
  if (!stream.isWellFormed() || stream.includes('\0')) return [];
  const to = Math.min(after + limit, Number.MAX_SAFE_INTEGER);
  if (!Number.isSafeInteger(after) || !Number.isSafeInteger(to)) throw new DomainError('invalid', 'version-malformed', {}, 'A stream version is a whole number.');
  const rows = await readRows(database, { tenant, context }, `e.stream = ${escapeLiteral(stream)} AND e.stream_version > ${after} AND e.stream_version <= ${to}`, 'stream_version', MAX_BYTES);
  const hole = rows.findIndex((row, index) => row.streamVersion !== after + index + 1);
  if (hole >= 0) throw new DomainError('conflict', 'stream-gap', { version: after + hole + 1 }, `Version ${after + hole + 1} of the stream is missing in the event database, though later ones are there: rows were removed behind the log's back. Verify the ledger and restore.`);
  return withBodies(archived, rows, MAX_BYTES);
};

/** The event at a place found by id. Undefined when it isn't there any more; `not-granted` when the caller may not read its context. */
export const readEvent = async ({ database, archived }: Sources, at: Located): Promise<StoredEvent | undefined> => {
  const rows = await readRows(database, at.log, `e.position = ${at.position}`, 'position', MAX_BYTES);
  return (await withBodies(archived, rows))[0];
};
