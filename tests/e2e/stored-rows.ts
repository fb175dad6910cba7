import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';

/** Every row of every table of every database of one Postgres, as text; bytea stands in it as hex. */
export async function* postgresRows(home: string, instance: 'events' | 'reads' | 'keys', port: number): AsyncGenerator<{ table: string; text: string }> {
  const password = (await readFile(join(home, 'secrets', `postgres-superuser-${instance}.password`), 'utf8')).trim();
  const connect = async (database: string): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', password, database });
    await client.connect();
    return client;
  };
  const admin = await connect('postgres');
  const databases = (await admin.query<{ datname: string }>('select datname from pg_database where datallowconn and not datistemplate')).rows;
  await admin.end();
  for (const { datname } of databases) {
    const client = await connect(datname);
    const tables = (await client.query<{ name: string }>(`select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)).rows;
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from ${name} t`);
      for (const { text } of rows) yield { table: `${datname}.${name}`, text };
    }
    await client.end();
  }
}

const duckRows = async (connection: Awaited<ReturnType<DuckDBInstance['connect']>>, from: string): Promise<string[]> =>
  (await connection.runAndReadAll(`select to_json(t)::varchar as text from ${from} t`)).getRowObjects().map((row) => String(row['text']));

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Rows of every Parquet file below a folder. */
export const parquetRows = async (dir: string): Promise<string[]> => {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && entry.name.endsWith('.parquet')).map((entry) => join(entry.parentPath, entry.name));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows: string[] = [];
  for (const file of files) rows.push(...await duckRows(connection, `read_parquet(${quoted(file)})`));
  connection.closeSync();
  instance.closeSync();
  return rows;
};

/** Rows of every table of a DuckDB file that nobody has open. */
export const duckdbRows = async (file: string): Promise<string[]> => {
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const tables = (await connection.runAndReadAll('select schema_name, table_name from duckdb_tables() where not internal')).getRowObjects();
  const rows: string[] = [];
  for (const table of tables) rows.push(...await duckRows(connection, `"${String(table['schema_name'])}"."${String(table['table_name'])}"`));
  connection.closeSync();
  instance.closeSync();
  return rows;
};
