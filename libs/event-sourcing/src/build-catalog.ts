import { DomainError, parseLogName, type LogKey, type LogMark } from '@millrace/kernel';
import { buildConsumer, markOf } from './consumer-tables.ts';
import type { VersionedProjection } from './projection.ts';
import type { BuildState, LogPosition } from './projection-operations.ts';
import { rowsOf, type Sql } from './sql.ts';

/** One build as its row in `projection_build` has it. */
export interface Build {
  readonly id: number;
  readonly projection: string;
  readonly build: number;
  readonly version: number;
  readonly schema: string;
  readonly state: BuildState;
}

type Row = Readonly<Record<string, unknown>>;

const COLUMNS = 'id, projection, build, version, schema_name, state';
const STATES: readonly BuildState[] = ['building', 'ready', 'active', 'retired'];

const buildOf = (row: Row): Build => ({
  id: Number(row['id']), projection: String(row['projection']), build: Number(row['build']), version: Number(row['version']), schema: String(row['schema_name']),
  state: STATES.find((state) => state === row['state']) ?? 'retired',
});

/** First numbers of the advisory locks: "MRsw" and "MRbu" in ASCII. Batches of active builds hold the first shared, a switch alone; readers hold their build's. */
const SWITCH_LOCK = 0x4d527377;
const BUILD_LOCK = 0x4d526275;

/** Names come from the catalogue or from code, never from a request; quoting is for upper case and dashes. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const listBuilds = async (sql: Sql): Promise<Build[]> =>
  rowsOf(await sql.query(`select ${COLUMNS} from public.projection_build order by projection, build`)).map(buildOf);

export const requireBuild = (builds: readonly Build[], projection: string, build: number | undefined): Build => {
  const candidates = builds.filter((one) => one.projection === projection && (build === undefined ? one.state === 'building' || one.state === 'ready' : one.build === build));
  const found = candidates.at(-1);
  if (found) return found;
  throw new DomainError('not-found', 'build-unknown', { projection, ...(build === undefined ? {} : { build }) },
    build === undefined ? `There is no build beside the active one of ${projection}. Begin one with a rebuild.` : `Projection ${projection} has no build ${build}. The list of projections names those there are.`);
};

/** Makes the next build's schema and tables, in the caller's transaction. */
export const makeBuild = async <Tx extends Sql>(tx: Tx, { name, version, tables }: VersionedProjection<Tx>, state: 'building' | 'active'): Promise<Build> => {
  const [row] = rowsOf(await tx.query(
    `insert into public.projection_build (projection, build, version, schema_name, state, activated_at, announced_at)
     select $1::text, n, $2::integer, replace($1, '-', '_') || '_v' || $2 || '_b' || n, $3::text, case $3 when 'active' then now() end, case $3 when 'active' then now() end
     from (select coalesce(max(build), 0) + 1 as n from public.projection_build where projection = $1) next returning ${COLUMNS}`, [name, version, state]));
  if (!row) throw new DomainError('unavailable', 'build-not-made', { projection: name }, 'The build got no row. Try again.');
  const build = buildOf(row);
  await tx.query(`create schema ${quoted(build.schema)}`);
  await enterSchema(tx, build.schema);
  for (const table of tables) await tx.query(table);
  return build;
};

/** From here to the end of the transaction unqualified names are the build's tables, and nothing else's. */
export const enterSchema = async (tx: Sql, schema: string): Promise<void> => {
  await tx.query(`select set_config('search_path', $1, true)`, [quoted(schema)]);
};

/** The active builds, which stay active until the transaction ends. */
export const holdActiveBuilds = async (tx: Sql): Promise<Build[]> => {
  await tx.query('select pg_advisory_xact_lock_shared($1, 0)', [SWITCH_LOCK]);
  return rowsOf(await tx.query(`select ${COLUMNS} from public.projection_build where state = 'active' order by projection`)).map(buildOf);
};

/** No batch is applied to an active build until the transaction ends. Waits for those that are being applied. */
export const holdSwitch = async (tx: Sql): Promise<void> => {
  await tx.query('select pg_advisory_xact_lock($1, 0)', [SWITCH_LOCK]);
};

/** Waits for readers of the build that began before it was switched away from; new ones don't come to it. */
export const awaitReaders = async (tx: Sql, { id }: Build): Promise<void> => {
  await tx.query('select pg_advisory_xact_lock($1, $2)', [BUILD_LOCK, id]);
};

/**
 * For readers, first in a transaction with one snapshot (repeatable read): unqualified names are now the tables of the active builds, all from before a
 * switch or all from after it, and those tables stay until the transaction ends. Throws `unavailable` when a build went away in that very moment.
 */
export const readActiveBuilds = async (tx: Sql): Promise<void> => {
  const [row] = rowsOf(await tx.query(
    `with active as materialized (select schema_name, pg_advisory_xact_lock_shared($1, id) as held from public.projection_build where state = 'active')
     select set_config('search_path', string_agg(quote_ident(schema_name), ', '), true) as path, bool_and(to_regnamespace(quote_ident(schema_name)) is not null) as there from active`, [BUILD_LOCK]));
  if (row?.['there'] === true) return;
  throw new DomainError('unavailable', 'projection-switching', {}, 'The read model was exchanged in this very moment. Ask again.');
};

/** Where a build stands: log -> mark. */
export const marksOfBuild = async (sql: Sql, { projection, build }: Pick<Build, 'projection' | 'build'>): Promise<{ log: LogKey; mark: LogMark }[]> => {
  const rows = rowsOf(await sql.query('select tenant, context, shard, epoch, position, leaf from public.consumer_checkpoint where consumer = $1 and position > 0 order by tenant, context, shard', [buildConsumer(projection, build)]));
  return rows.flatMap((row) => {
    const mark = markOf(row);
    return mark ? [{ log: parseLogName(String(row['tenant']), `${String(row['context'])}/${String(row['shard'])}`), mark }] : [];
  });
};

/** The as-of vector of the active build of a projection for one tenant, in the snapshot of `sql`. */
export const asOfActive = async (sql: Sql, projection: string, tenant: string): Promise<Record<string, number>> => {
  const rows = rowsOf(await sql.query(
    `select c.context, c.shard, c.position from public.consumer_checkpoint c join public.projection_build b on c.consumer = b.projection || '@' || b.build
     where b.projection = $1 and b.state = 'active' and c.tenant = $2 and c.position > 0 order by c.context, c.shard`, [projection, tenant]));
  return Object.fromEntries(rows.map((row) => [`${String(row['context'])}/${String(row['shard'])}`, Number(row['position'])]));
};

/** Views of the active build's tables in `public`, for those who look with SQL; replaced in the transaction of a switch. */
export const showActive = async (tx: Sql, shown: Build | undefined, now: Build): Promise<void> => {
  const tables = async (schema: string): Promise<string[]> =>
    rowsOf(await tx.query(`select tablename from pg_tables where schemaname = $1 order by tablename`, [schema])).map((row) => String(row['tablename']));
  if (shown) for (const table of await tables(shown.schema)) await tx.query(`drop view if exists public.${quoted(table)}`);
  for (const table of await tables(now.schema)) await tx.query(`create view public.${quoted(table)} as select * from ${quoted(now.schema)}.${quoted(table)}`);
};

export const positionsOf = (marks: readonly { log: LogKey; mark: LogMark }[]): LogPosition[] =>
  marks.map(({ log, mark }) => ({ tenant: log.tenant, log: `${log.context}/${log.shard}`, position: mark.position }));
