import type { DuckDBValue } from '@duckdb/node-api';

/** A VARCHAR column's value; text columns of ours are never null. */
export const rowText = (row: Readonly<Record<string, DuckDBValue>>, column: string): string => {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new Error(`column ${column} holds no text`);
};
