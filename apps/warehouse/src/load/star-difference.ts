import type { DuckDBConnection } from '@duckdb/node-api';
import type { RowText, TableDifference } from '@millrace/event-sourcing';
import { STAR_TABLES, type StarTable } from '../star/star-tables.ts';

const rowText = (row: Readonly<Record<string, unknown>>, prefix: string): RowText =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value === null ? null : typeof value === 'string' ? value : JSON.stringify(value)]));

/** Schemas and columns are constants of this code. */
const compareTable = async (tx: DuckDBConnection, active: string, candidate: string, table: StarTable, limit: number): Promise<TableDifference> => {
  const columns = table.columns.map(([name]) => name);
  const row = (alias: string): string => `row(${columns.map((column) => `${alias}.${column}`).join(', ')})`;
  const differing = `from ${active}.${table.name} a full join ${candidate}.${table.name} b using (${table.key.join(', ')}) where a.tenant is null or b.tenant is null or ${row('a')} is distinct from ${row('b')}`;
  const [counts] = (await tx.runAndReadAll(
    `select (select count(*) from ${active}.${table.name}) as active, (select count(*) from ${candidate}.${table.name}) as candidate,
       count(*) filter (where b.tenant is null) as only_active, count(*) filter (where a.tenant is null) as only_candidate, count(*) filter (where a.tenant is not null and b.tenant is not null) as changed ${differing}`)).getRowObjects();
  const shown = columns.flatMap((column) => [`cast(a.${column} as varchar) as a_${column}`, `cast(b.${column} as varchar) as b_${column}`]).join(', ');
  const first = (await tx.runAndReadAll(`select ${shown}, a.tenant is not null as in_a, b.tenant is not null as in_b ${differing} order by ${table.key.join(', ')} limit ${limit}`)).getRowObjects();
  return {
    table: table.name, rows: { active: Number(counts?.['active']), candidate: Number(counts?.['candidate']) }, columns: { onlyActive: [], onlyCandidate: [] },
    onlyActive: Number(counts?.['only_active']), onlyCandidate: Number(counts?.['only_candidate']), changed: Number(counts?.['changed']),
    first: first.map((one) => ({ active: one['in_a'] === true ? rowText(one, 'a_') : null, candidate: one['in_b'] === true ? rowText(one, 'b_') : null })),
  };
};

/** Compares the tables of two builds in one snapshot; the first `limit` differing rows of each are shown. */
export const compareStars = async (tx: DuckDBConnection, active: string, candidate: string, limit: number): Promise<TableDifference[]> => {
  const tables: TableDifference[] = [];
  for (const table of STAR_TABLES) tables.push(await compareTable(tx, active, candidate, table, limit));
  return tables;
};
