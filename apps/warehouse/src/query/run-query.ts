import { DuckDBInstance, StatementType, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api';
import type { QueryJob, QueryOutcome } from './query-job.ts';
import { toJson, type JsonValue } from './result-value.ts';
import { refusalOf } from './statement.rule.ts';

/** Longer SQL is refused before it is parsed. */
const MOST_SQL_CHARACTERS = 20_000;

const refused = (code: string, message: string): QueryOutcome => ({ ok: false, code, message });

const OPTIONS = { threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false', temp_directory: '' };

/** A database of its own, in memory, that sees the job's files and nothing else, and whose settings can't be changed any more. */
const lockedConnection = async (instance: DuckDBInstance, { views, files }: QueryJob): Promise<DuckDBConnection> => {
  const connection = await instance.connect();
  await connection.run('set TimeZone = \'UTC\'');
  for (const { name, sql } of views) await connection.run(`create view ${name} as ${sql}`);
  await connection.run(`set allowed_paths = [${files.map((file) => `'${file.replaceAll('\'', '\'\'')}'`).join(', ')}]`);
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
  return connection;
};

const judged = async (connection: DuckDBConnection, { sql, tables }: QueryJob): Promise<QueryOutcome | undefined> => {
  if (sql.length > MOST_SQL_CHARACTERS) return refused('sql-too-long', `Expected at most ${MOST_SQL_CHARACTERS} characters of SQL, got ${sql.length}.`);
  const [row] = (await connection.runAndReadAll('select json_serialize_sql($1::varchar)', [sql])).getRows();
  const refusal = refusalOf(JSON.parse(String(row?.[0])), tables);
  return refusal && refused(refusal.code, refusal.message);
};

/** Paths never leave this process: a message says what, the job says where. */
const messageOf = (error: unknown): string => String(error).replace(/^Error: /, '').split('\n').slice(0, 3).join(' ').replaceAll(/'?\/[^\s'"]*\/[^\s'"]*'?/g, '<file>').slice(0, 500);

const failureOf = (error: unknown): QueryOutcome => {
  const message = messageOf(error);
  return message.includes('Out of Memory') || message.includes('could not allocate')
    ? refused('query-memory-exceeded', 'The query needs more memory than a query may have. Select fewer columns, aggregate earlier or narrow it by date.')
    : refused('sql-failed', message);
};

const collect = async (result: DuckDBResult, { maxRows, maxBytes }: QueryJob): Promise<QueryOutcome> => {
  const names = result.deduplicatedColumnNames();
  const columns = result.columnTypes().map((type, index) => ({ name: names[index] ?? '', type: type.toString() }));
  const rows: Record<string, JsonValue>[] = [];
  let bytes = 0;
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    if (rows.length + chunk.rowCount > maxRows) return refused('query-result-too-large', `Expected at most ${maxRows} rows; the result has more. Add a LIMIT or aggregate.`);
    for (const values of chunk.getRows()) {
      const row = Object.fromEntries(values.map((value, index) => [names[index] ?? '', toJson(value)]));
      bytes += JSON.stringify(row).length;
      if (bytes > maxBytes) return refused('query-result-too-large', `Expected a result of at most ${maxBytes} bytes; this one is larger. Select fewer columns, add a LIMIT or aggregate.`);
      rows.push(row);
    }
  }
  return { ok: true, columns, rows };
};

/** Judges and runs one query. Never throws for what the SQL does; a crash or endless run is the caller's to end. */
export const runQuery = async (job: QueryJob): Promise<QueryOutcome> => {
  const instance = await DuckDBInstance.create(':memory:', { ...OPTIONS, memory_limit: job.memoryLimit });
  try {
    const connection = await lockedConnection(instance, job);
    const refusal = await judged(connection, job);
    if (refusal) return refusal;
    const prepared = await connection.prepare(job.sql);
    // The parser has said SELECT; that the planner says so too costs nothing.
    if (prepared.statementType !== StatementType.SELECT) return refused('sql-not-select', 'Expected a SELECT.');
    return await collect(await prepared.stream(), job);
  } catch (error) {
    return failureOf(error);
  } finally {
    instance.closeSync();
  }
};
