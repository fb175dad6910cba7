import type { DuckDBConnection } from '@duckdb/node-api';

/** A row group of the largest events is 64 MiB; sorting and hashing never happen here. */
const OPTIONS = { memory_limit: '256MB', threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };

let opened: Promise<DuckDBConnection> | undefined;

/** DuckDB in memory, one per process, loaded when the first segment is read or written: a service without archived events never loads it. */
export const duckdb = (): Promise<DuckDBConnection> => (opened ??= import('@duckdb/node-api').then(async ({ DuckDBInstance }) => (await DuckDBInstance.create(':memory:', OPTIONS)).connect()));

/** A text as SQL's literal: file names can't be parameters everywhere. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
