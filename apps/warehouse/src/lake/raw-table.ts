import { BIGINT, BLOB, DuckDBBlobValue, DuckDBTimestampValue, INTEGER, TIMESTAMP, VARCHAR, type DuckDBValue } from '@duckdb/node-api';
import type { StoredEvent } from '@millrace/kernel';
import type { TableDefinition } from '../duckdb/table-definition.ts';

/** A raw event as the lake keeps it: exactly what the log has, sealed values sealed; tenant, log and epoch are in the path. */
export const RAW_EVENT: TableDefinition = {
  name: 'raw_event',
  columns: [
    ['position', BIGINT], ['event_id', VARCHAR], ['type', VARCHAR], ['version', INTEGER], ['stream', VARCHAR], ['stream_version', BIGINT], ['ts', TIMESTAMP], ['recorded_at', TIMESTAMP],
    ['envelope', VARCHAR], ['data', VARCHAR], ['leaf', BLOB], ['salt', BLOB],
  ],
};

const utf8 = new TextDecoder();
const timestamp = (iso: string): DuckDBTimestampValue | null => {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? null : new DuckDBTimestampValue(BigInt(ms) * 1000n);
};

export const toRawRow = ({ position, streamVersion, envelope, envelopeBytes, data, leaf, salt }: StoredEvent): DuckDBValue[] => [
  BigInt(position), envelope.id, envelope.type, envelope.version, envelope.stream, BigInt(streamVersion), timestamp(envelope.time), timestamp(envelope.recordedtime),
  utf8.decode(envelopeBytes), utf8.decode(data), new DuckDBBlobValue(leaf), new DuckDBBlobValue(salt),
];
