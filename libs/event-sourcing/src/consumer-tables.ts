import { isContext, parseLogName, type LogKey, type LogMark } from '@millrace/kernel';
import type { CheckpointStore, ParkedStore } from './projection.ts';
import { rowsOf, type Sql } from './sql.ts';

/** For the app's own migration; kept in the read-model database beside the effects. Leaf: 32 bytes. */
export const CONSUMER_TABLES_UP: readonly string[] = [
  `create table consumer_checkpoint (
    consumer text not null, tenant text not null, context text not null, shard integer not null,
    epoch bigint not null, position bigint not null, leaf bytea not null, updated_at timestamptz not null default now(),
    constraint consumer_checkpoint_pk primary key (consumer, tenant, context, shard))`,
  `create table parked_event (
    consumer text not null, tenant text not null, context text not null, shard integer not null, position bigint not null,
    key text not null, event_id text not null, type text not null, code text not null, reason text not null, parked_at timestamptz not null default now(),
    constraint parked_event_pk primary key (consumer, tenant, context, shard, position))`,
  'create index parked_event_key on parked_event (consumer, tenant, context, shard, key)',
];

/** Beside `CONSUMER_TABLES_UP`, for apps whose projections are built in versions: the builds, lanes of a replay, and discarded events. */
export const BUILD_TABLES_UP: readonly string[] = [
  `create table projection_build (
    id serial not null, projection text not null, build integer not null, version integer not null, schema_name text not null, state text not null,
    made_at timestamptz not null default now(), ready_at timestamptz, activated_at timestamptz, announced_at timestamptz, switched jsonb,
    constraint projection_build_pk primary key (projection, build), constraint projection_build_id unique (id),
    constraint projection_build_state check (state in ('building', 'ready', 'active', 'retired')))`,
  `create unique index projection_build_active on projection_build (projection) where state = 'active'`,
  `create table replay_lane (
    consumer text not null, tenant text not null, context text not null, shard integer not null, lane integer not null,
    epoch bigint not null, position bigint not null, leaf bytea not null,
    constraint replay_lane_pk primary key (consumer, tenant, context, shard, lane))`,
  `create table discarded_event (
    projection text not null, tenant text not null, context text not null, shard integer not null, position bigint not null,
    event_id text not null, reason text not null, discarded_at timestamptz not null default now(),
    constraint discarded_event_pk primary key (projection, tenant, context, shard, position))`,
];

export const BUILD_TABLES_DOWN: readonly string[] = ['drop table discarded_event, replay_lane, projection_build'];

export const CONSUMER_TABLES_DOWN: readonly string[] = ['drop table parked_event', 'drop table consumer_checkpoint'];

/** The name under which a build keeps its checkpoints and parked events. */
export const buildConsumer = (projection: string, build: number): string => `${projection}@${build}`;

/** The projection a consumer is a build of; undefined for one that is none. */
export const projectionOf = (consumer: string): string | undefined => {
  const at = consumer.lastIndexOf('@');
  return at < 0 ? undefined : consumer.slice(0, at);
};

const place = (consumer: string, log: LogKey): unknown[] => [consumer, log.tenant, log.context, log.shard];

export const markOf = (row: Readonly<Record<string, unknown>> | undefined): LogMark | undefined =>
  (row && row['leaf'] instanceof Uint8Array && Number(row['position']) > 0 ? { epoch: Number(row['epoch']), position: Number(row['position']), leaf: row['leaf'] } : undefined);

/** Checkpoints in `consumer_checkpoint` under the name `consumer`; `sql` reads outside of transactions. */
export const sqlCheckpoints = <Tx extends Sql>(sql: Sql, consumer: string): CheckpointStore<Tx> => ({
  async load(log) {
    return markOf(rowsOf(await sql.query('select epoch, position, leaf from public.consumer_checkpoint where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log)))[0]);
  },
  async lock(tx, log) {
    const select = 'select epoch, position, leaf from public.consumer_checkpoint where consumer = $1 and tenant = $2 and context = $3 and shard = $4 for update';
    const [row] = rowsOf(await tx.query(select, place(consumer, log)));
    if (row) return markOf(row);
    // There is no row to hold yet: whoever comes second waits at the key, and then reads what the first has saved.
    await tx.query('insert into public.consumer_checkpoint (consumer, tenant, context, shard, epoch, position, leaf) values ($1, $2, $3, $4, 0, 0, $5) on conflict on constraint consumer_checkpoint_pk do nothing', [...place(consumer, log), Buffer.alloc(0)]);
    return markOf(rowsOf(await tx.query(select, place(consumer, log)))[0]);
  },
  async logs() {
    const rows = rowsOf(await sql.query('select tenant, context, shard from public.consumer_checkpoint where consumer = $1', [consumer]));
    return rows.flatMap(({ tenant, context, shard }) => (isContext(String(context)) ? [parseLogName(String(tenant), `${String(context)}/${String(shard)}`)] : []));
  },
  async forget(tx, log) {
    await tx.query('delete from public.consumer_checkpoint where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log));
  },
  async save(tx, log, { epoch, position, leaf }) {
    await tx.query(
      `insert into public.consumer_checkpoint (consumer, tenant, context, shard, epoch, position, leaf) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict on constraint consumer_checkpoint_pk do update set epoch = excluded.epoch, position = excluded.position, leaf = excluded.leaf, updated_at = now()`,
      [...place(consumer, log), epoch, position, Buffer.from(leaf)],
    );
  },
});

/** Parked events in `parked_event` under the name `consumer`. */
export const sqlParked = <Tx extends Sql>(sql: Sql, consumer: string): ParkedStore<Tx> => ({
  async keys(tx, log, keys) {
    const rows = rowsOf(await tx.query('select distinct key from public.parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4 and key = any($5::text[])', [...place(consumer, log), keys]));
    return new Set(rows.map((row) => String(row['key'])));
  },
  async park(tx, log, { position, key, eventId, type, code, reason }) {
    await tx.query(
      `insert into public.parked_event (consumer, tenant, context, shard, position, key, event_id, type, code, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict on constraint parked_event_pk do nothing`,
      [...place(consumer, log), position, key, eventId, type, code, reason],
    );
  },
  async forget(tx, log) {
    await tx.query('delete from public.parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log));
  },
  async count(log) {
    const rows = rowsOf(await sql.query('select count(*) as n from public.parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log)));
    return Number(rows[0]?.['n'] ?? 0);
  },
  async discarded(tx, log, first, last) {
    const projection = projectionOf(consumer);
    if (projection === undefined) return new Map();
    const rows = rowsOf(await tx.query('select position, event_id from public.discarded_event where projection = $1 and tenant = $2 and context = $3 and shard = $4 and position between $5 and $6', [...place(projection, log), first, last]));
    return new Map(rows.map((row) => [Number(row['position']), String(row['event_id'])]));
  },
});

/** As-of vector of a consumer for one tenant: log name -> position, read with `sql` (inside a transaction, that transaction's). */
export const asOfCheckpoints = async (sql: Sql, consumer: string, tenant: string): Promise<Record<string, number>> => {
  const rows = rowsOf(await sql.query('select context, shard, position from public.consumer_checkpoint where consumer = $1 and tenant = $2 order by context, shard', [consumer, tenant]));
  return Object.fromEntries(rows.filter((row) => isContext(String(row['context']))).map((row) => [`${String(row['context'])}/${String(row['shard'])}`, Number(row['position'])]));
};
