import {
  DuckDBArrayValue, DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBTimestampMillisecondsValue, DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue, DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue,
} from '@duckdb/node-api';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** `2011-01-31 08:26:00.5` and `…+00` as ISO 8601 UTC; times in the star are UTC. `infinity` and `-infinity` are no time of a zone. */
const isoTime = (text: string): string => text.endsWith('infinity') ? text : `${text.replace(' ', 'T').replace(/[+-]00(:00)?$/, '')}Z`;

/** Equal values are equal texts: zeros at the end of a fraction depend on a column's scale, not on the value. */
const plainDecimal = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

const isTime = (value: DuckDBValue): boolean => [DuckDBTimestampValue, DuckDBTimestampTZValue, DuckDBTimestampSecondsValue, DuckDBTimestampMillisecondsValue, DuckDBTimestampNanosecondsValue].some((kind) => value instanceof kind);

/** Integers that a JavaScript reader would round go as text. */
const integer = (value: bigint): number | string => (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString());

/**
 * A DuckDB value as JSON: decimals as exact text, integers as numbers while exact and else as text, floats as numbers (`"NaN"`, `"Infinity"`
 * as text), dates as `2011-01-31`, times as ISO 8601 UTC, blobs as hex, lists and structs as they are, all else as DuckDB writes it.
 */
export const toJson = (value: DuckDBValue): JsonValue => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return integer(value);
  if (value instanceof DuckDBDecimalValue) return plainDecimal(value.toString());
  if (value instanceof DuckDBDateValue) return value.toString();
  if (isTime(value)) return isoTime(value.toString());
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex');
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJson);
  if (value instanceof DuckDBStructValue) return Object.fromEntries(Object.entries(value.entries).map(([key, each]) => [key, toJson(each)]));
  if (value instanceof DuckDBMapValue) return value.entries.map((entry) => ({ key: toJson(entry.key), value: toJson(entry.value) }));
  return value.toString();
};
