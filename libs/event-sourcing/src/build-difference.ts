import { quoted, type Build } from './build-catalog.ts';
import type { RowText, TableDifference } from './projection-operations.ts';
import { rowsOf, type Sql } from './sql.ts';

interface Table {
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

const NOTHING: Table = { columns: [], key: [] };

/** The tables of a build, with the columns of their primary keys, as the catalogue has them. */
const tablesOf = async (tx: Sql, schema: string): Promise<Map<string, Table>> => {
  const rows = rowsOf(await tx.query(
    `select c.relname as table, array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
       array(select a.attname::text from pg_index i, unnest(i.indkey) with ordinality k(attnum, n) join pg_attribute a on a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid order by k.n) as key
     from pg_class c where c.relnamespace = to_regnamespace(quote_ident($1)) and c.relkind = 'r' order by c.relname`, [schema]));
  return new Map(rows.map((row) => [String(row['table']), { columns: row['columns'] as string[], key: row['key'] as string[] }]));
};

const countOf = async (tx: Sql, schema: string, name: string, there: boolean): Promise<number> =>
  (there ? Number(rowsOf(await tx.query(`select count(*) as n from ${quoted(schema)}.${quoted(name)}`))[0]?.['n'] ?? 0) : 0);

/** All values as text: a number keeps its digits, whatever reads the report. */
const AS_TEXT = (row: string): string => `(select jsonb_object_agg(key, value) from jsonb_each_text(to_jsonb(${row})))`;

const compareTable = async (tx: Sql, active: Build, candidate: Build, name: string, [a, b]: readonly [Table, Table], limit: number): Promise<TableDifference> => {
  const common = a.columns.filter((column) => b.columns.includes(column));
  const rows = { active: await countOf(tx, active.schema, name, a.columns.length > 0), candidate: await countOf(tx, candidate.schema, name, b.columns.length > 0) };
  const columns = { onlyActive: a.columns.filter((column) => !common.includes(column)), onlyCandidate: b.columns.filter((column) => !common.includes(column)) };
  const comparable = a.key.length > 0 && a.key.join() === b.key.join();
  // Tables of different keys have no rows in common: each row of either is a difference, and the counts say so.
  if (!comparable) return { table: name, rows, onlyActive: rows.active, onlyCandidate: rows.candidate, changed: 0, columns, first: [] };
  const list = (alias: string): string => common.map((column) => `${alias}.${quoted(column)}`).join(', ');
  const [first = ''] = a.key.map(quoted);
  const key = a.key.map(quoted).join(', ');
  const [row] = rowsOf(await tx.query(
    `with difference as (
       select ${key}, a.${first} is not null as in_a, b.${first} is not null as in_b, a as a_row, b as b_row
       from ${quoted(active.schema)}.${quoted(name)} a full join ${quoted(candidate.schema)}.${quoted(name)} b using (${key})
       where a.${first} is null or b.${first} is null or row(${list('a')}) is distinct from row(${list('b')})
     ), firsts as (
       select row_number() over (order by ${key}) as n, case when in_a then ${AS_TEXT('a_row')} end as active, case when in_b then ${AS_TEXT('b_row')} end as candidate
       from (select * from difference order by ${key} limit $1) d
     )
     select count(*) filter (where not in_b) as only_active, count(*) filter (where not in_a) as only_candidate, count(*) filter (where in_a and in_b) as changed,
       coalesce((select jsonb_agg(jsonb_build_object('active', active, 'candidate', candidate) order by n) from firsts), '[]') as first
     from difference`, [limit]));
  return {
    table: name, rows, columns, onlyActive: Number(row?.['only_active'] ?? 0), onlyCandidate: Number(row?.['only_candidate'] ?? 0), changed: Number(row?.['changed'] ?? 0),
    first: (row?.['first'] ?? []) as { active: RowText | null; candidate: RowText | null }[],
  };
};

/** Compares all tables of two builds in the snapshot of `tx`; `limit` rows of each are shown. Values are compared as SQL does: 1.0 equals 1.00. */
export const compareBuilds = async (tx: Sql, active: Build, candidate: Build, limit: number): Promise<TableDifference[]> => {
  const [a, b] = [await tablesOf(tx, active.schema), await tablesOf(tx, candidate.schema)];
  const differences: TableDifference[] = [];
  for (const name of [...new Set([...a.keys(), ...b.keys()])].toSorted()) {
    differences.push(await compareTable(tx, active, candidate, name, [a.get(name) ?? NOTHING, b.get(name) ?? NOTHING], limit));
  }
  return differences;
};

export const isEqual = (tables: readonly TableDifference[]): boolean =>
  tables.every(({ onlyActive, onlyCandidate, changed, columns }) => onlyActive + onlyCandidate + changed + columns.onlyActive.length + columns.onlyCandidate.length === 0);
