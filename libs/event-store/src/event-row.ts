import type { Context, Envelope, Epoch, LogKey, Position, StoredEvent } from '@millrace/kernel';
import type { Tuple } from './copy-rows.ts';

/** The bytes of an event that leave the table when its range is archived. */
export interface EventBody {
  readonly envelope: Buffer;
  readonly data: Buffer;
  readonly salt: Buffer;
}

/** A row of a `log.<context>` view; without a body when the event is archived. */
export interface EventRow {
  readonly log: LogKey;
  readonly epoch: Epoch;
  readonly position: Position;
  readonly streamVersion: number;
  readonly leaf: Buffer;
  readonly body?: EventBody;
}

/** Name of a context's view. `context` is one of a closed list, so the text is safe in SQL; identifiers can't be parameters. */
export const viewOf = (context: Context): string => `log.${context}`;

/**
 * Columns of a view named e, in the order `fromTuple` takes them; `tenant` and `shard` as SQL. With a shard that is no column of e, the epoch is
 * looked up once per statement; per row it would halve the rate of reading.
 */
export const eventColumns = (context: Context, tenant: string, shard: string): string => `e.shard, e.position, e.stream_version, e.leaf, e.salt, e.envelope, e.data,
  (SELECT h.epoch FROM log.head h WHERE h.tenant = ${tenant} AND h.context = '${context}' AND h.shard = ${shard}) AS epoch`;

const NONE = Buffer.alloc(0);
/** int8 below 2^53: positions, versions and epochs are. */
const whole = (field: Buffer | null | undefined): number => (field ? field.readUInt32BE(0) * 2 ** 32 + field.readUInt32BE(4) : 0);

/** `tuple` holds `eventColumns` in their order. */
export const fromTuple = (tenant: string, context: Context, [shard, position, version, leaf, salt, envelope, data, epoch]: Tuple): EventRow => ({
  log: { tenant, context, shard: shard?.readInt32BE(0) ?? 0 }, epoch: whole(epoch), position: whole(position), streamVersion: whole(version), leaf: leaf ?? NONE,
  ...(envelope && data ? { body: { envelope, data, salt: salt ?? NONE } } : {}),
});

/** Envelopes are written by the appender alone, as RFC 8785 JSON, and parsed when first asked for: who copies bytes never asks. */
export const storedEvent = ({ log, epoch, position, streamVersion, leaf }: EventRow, { envelope: envelopeBytes, data, salt }: EventBody): StoredEvent => {
  let parsed: Envelope | undefined;
  return {
    log, epoch, position, streamVersion,
    get envelope(): Envelope { return (parsed ??= JSON.parse(envelopeBytes.toString('utf8')) as Envelope); },
    envelopeBytes, data, salt, leaf,
  };
};
