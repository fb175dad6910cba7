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

export const CONSUMER_TABLES_DOWN: readonly string[] = ['drop table parked_event', 'drop table consumer_checkpoint'];

const place = (consumer: string, log: LogKey): unknown[] => [consumer, log.tenant, log.context, log.shard];

const markOf = (row: Readonly<Record<string, unknown>> | undefined): LogMark | undefined =>
  (row && row['leaf'] instanceof Uint8Array ? { epoch: Number(row['epoch']), position: Number(row['position']), leaf: row['leaf'] } : undefined);

/** Checkpoints in `consumer_checkpoint` under the name `consumer`; `sql` reads outside of transactions. */
export const sqlCheckpoints = <Tx extends Sql>(sql: Sql, consumer: string): CheckpointStore<Tx> => ({
  async load(log) {
    return markOf(rowsOf(await sql.query('select epoch, position, leaf from consumer_checkpoint where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log)))[0]);
  },
  async logs() {
    const rows = rowsOf(await sql.query('select tenant, context, shard from consumer_checkpoint where consumer = $1', [consumer]));
    return rows.flatMap(({ tenant, context, shard }) => (isContext(String(context)) ? [parseLogName(String(tenant), `${String(context)}/${String(shard)}`)] : []));
  },
  async forget(tx, log) {
    await tx.query('delete from consumer_checkpoint where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log));
  },
  async save(tx, log, { epoch, position, leaf }) {
    await tx.query(
      `insert into consumer_checkpoint (consumer, tenant, context, shard, epoch, position, leaf) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict on constraint consumer_checkpoint_pk do update set epoch = excluded.epoch, position = excluded.position, leaf = excluded.leaf, updated_at = now()`,
      [...place(consumer, log), epoch, position, Buffer.from(leaf)],
    );
  },
});

/** Parked events in `parked_event` under the name `consumer`. */
export const sqlParked = <Tx extends Sql>(sql: Sql, consumer: string): ParkedStore<Tx> => ({
  async keys(tx, log, keys) {
    const rows = rowsOf(await tx.query('select distinct key from parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4 and key = any($5::text[])', [...place(consumer, log), keys]));
    return new Set(rows.map((row) => String(row['key'])));
  },
  async park(tx, log, { position, key, eventId, type, code, reason }) {
    await tx.query(
      `insert into parked_event (consumer, tenant, context, shard, position, key, event_id, type, code, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict on constraint parked_event_pk do nothing`,
      [...place(consumer, log), position, key, eventId, type, code, reason],
    );
  },
  async forget(tx, log) {
    await tx.query('delete from parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log));
  },
  async count(log) {
    const rows = rowsOf(await sql.query('select count(*) as n from parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4', place(consumer, log)));
    return Number(rows[0]?.['n'] ?? 0);
  },
});

/** As-of vector of a consumer for one tenant: log name -> position, read with `sql` (inside a transaction, that transaction's). */
export const asOfCheckpoints = async (sql: Sql, consumer: string, tenant: string): Promise<Record<string, number>> => {
  const rows = rowsOf(await sql.query('select context, shard, position from consumer_checkpoint where consumer = $1 and tenant = $2 order by context, shard', [consumer, tenant]));
  return Object.fromEntries(rows.filter((row) => isContext(String(row['context']))).map((row) => [`${String(row['context'])}/${String(row['shard'])}`, Number(row['position'])]));
};
