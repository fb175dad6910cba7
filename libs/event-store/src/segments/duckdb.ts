import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** A row group of the largest events is 64 MiB; sorting and hashing never happen here. */
const OPTIONS = { memory_limit: '256MB', threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };

let opened: Promise<DuckDBInstance> | undefined;
let shared: Promise<DuckDBConnection> | undefined;

/** DuckDB in memory, one per process, loaded when the first segment is read or written: a service without archived events never loads it. */
const instance = (): Promise<DuckDBInstance> => (opened ??= import('@duckdb/node-api').then(({ DuckDBInstance: library }) => library.create(':memory:', OPTIONS)));

/** The connection that all reading shares. */
export const duckdb = (): Promise<DuckDBConnection> => (shared ??= instance().then((database) => database.connect()));

/** Runs `work` on a connection of its own: rows appended on one that runs somebody else's query meanwhile may be refused. Its temporary tables go with it. */
export const onOwnConnection = async <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
  const connection = await (await instance()).connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
  }
};

/** A text as SQL's literal: file names can't be parameters everywhere. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
