import { DuckDBDataChunk, type DuckDBConnection, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';

/** A table as data: DDL, appender chunks and published files are all made from it, so they can't drift apart. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, type: DuckDBType])[];
}

/** Identifiers and types are constants of this code, never input. */
export const createTable = ({ name, columns }: TableDefinition, kind: 'table' | 'temp table' = 'table'): string =>
  `create ${kind} if not exists ${name} (${columns.map(([column, type]) => `${column} ${type.toString()}`).join(', ')})`;

export const columnList = ({ columns }: TableDefinition): string => columns.map(([column]) => column).join(', ');

/** DuckDB's vector size: what one data chunk holds. */
const CHUNK_ROWS = 2048;

/**
 * Appends rows column by column, within the connection's transaction. Values are in the order of the definition's columns. Chunks are a
 * quarter of the cost of the row-wise appender, which decides how long a rebuild takes.
 */
export const appendRows = async (connection: DuckDBConnection, table: TableDefinition, rows: readonly (readonly DuckDBValue[])[], place: { catalog?: string } = {}): Promise<void> => {
  if (rows.length === 0) return;
  const types = table.columns.map(([, type]) => type);
  const appender = await connection.createAppender(table.name, 'main', place.catalog ?? null);
  try {
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
      const part = rows.slice(start, start + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, part.length);
      chunk.setColumns(types.map((_, column) => part.map((row) => row[column] ?? null)));
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
};
