import type { Context, Envelope, StoredEvent, Tenant } from '@millrace/kernel';

/** A row of a `log.<context>` view, with the log's epoch. */
export interface EventRow {
  readonly tenant: Tenant;
  readonly shard: number;
  readonly epoch: string;
  readonly position: string;
  readonly stream_version: string;
  readonly envelope: Buffer;
  readonly data: Buffer;
  readonly salt: Buffer;
  readonly leaf: Buffer;
}

/** Name of a context's view. `context` is one of a closed list, so the text is safe in SQL; identifiers can't be parameters. */
export const viewOf = (context: Context): string => `log.${context}`;

/** Columns of EventRow from a view named e. The epoch is looked up once per log and statement, not per row. */
export const EVENT_COLUMNS = (context: Context): string => `e.tenant, e.shard, e.position, e.stream_version, e.envelope, e.data, e.salt, e.leaf,
  (SELECT h.epoch FROM log.head h WHERE h.tenant = e.tenant AND h.context = '${context}' AND h.shard = e.shard) AS epoch`;

/** Envelopes are written by the appender alone, as RFC 8785 JSON. */
export const fromRow = (context: Context, row: EventRow): StoredEvent => ({
  log: { tenant: row.tenant, context, shard: row.shard },
  epoch: Number(row.epoch),
  position: Number(row.position),
  streamVersion: Number(row.stream_version),
  envelope: JSON.parse(row.envelope.toString('utf8')) as Envelope,
  envelopeBytes: row.envelope, data: row.data, salt: row.salt, leaf: row.leaf,
});
