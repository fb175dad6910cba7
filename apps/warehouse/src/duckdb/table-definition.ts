import { DuckDBDataChunk, type DuckDBConnection, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';

/** A table as data: DDL, appender chunks and published files are all made from it, so they can't drift apart. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, type: DuckDBType])[];
}

/** Identifiers and types are constants of this code, never input. */
export const createTable = ({ name, columns }: TableDefinition, how: 'if absent' | 'temporary, empty' = 'if absent'): string =>
  `${how === 'if absent' ? 'create table if not exists' : 'create or replace temp table'} ${name} (${columns.map(([column, type]) => `${column} ${type.toString()}`).join(', ')})`;

export const columnList = ({ columns }: TableDefinition): string => columns.map(([column]) => column).join(', ');

/** DuckDB's vector size: what one data chunk holds. */
const CHUNK_ROWS = 2048;

/** A chunk's memory is outside of the heap and of DuckDB's limit, and would wait for the garbage collector: one per table is used again and again. */
const chunks = new WeakMap<TableDefinition, DuckDBDataChunk>();

const filledChunk = (table: TableDefinition, rows: readonly (readonly DuckDBValue[])[]): DuckDBDataChunk => {
  const chunk = chunks.get(table) ?? DuckDBDataChunk.create(table.columns.map(([, type]) => type));
  chunks.set(table, chunk);
  chunk.reset();
  chunk.rowCount = rows.length;
  chunk.setColumns(table.columns.map((_, column) => rows.map((row) => row[column] ?? null)));
  return chunk;
};

/**
 * Appends rows column by column, within the connection's transaction. Values are in the order of the definition's columns. Chunks are a
 * quarter of the cost of the row-wise appender, which decides how long a rebuild takes.
 */
export const appendRows = async (connection: DuckDBConnection, table: TableDefinition, rows: readonly (readonly DuckDBValue[])[], place: { catalog?: string; schema?: string } = {}): Promise<void> => {
  if (rows.length === 0) return;
  const appender = await connection.createAppender(table.name, place.schema ?? 'main', place.catalog ?? null);
  try {
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) appender.appendDataChunk(filledChunk(table, rows.slice(start, start + CHUNK_ROWS)));
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
};
