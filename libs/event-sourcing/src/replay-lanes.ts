import { createHash } from 'node:crypto';
import type { LogKey, LogMark } from '@millrace/kernel';
import { markOf } from './consumer-tables.ts';
import type { BatchCheckpoints, CheckpointStore, TransactionScope } from './projection.ts';
import { rowsOf, type Sql } from './sql.ts';

const place = (consumer: string, log: LogKey): unknown[] => [consumer, log.tenant, log.context, log.shard];
const OF_LOG = 'consumer = $1 and tenant = $2 and context = $3 and shard = $4';

/** The lane of a key: the same for ever, so that a key's events stay in order across restarts. */
export const laneOf = (key: string, lanes: number): number => createHash('sha1').update(key).digest().readUInt32BE(0) % lanes;

/** Marks of the lanes of one (build, log), by lane number; empty while the build stands at one checkpoint. */
export const laneMarks = async (sql: Sql, consumer: string, log: LogKey): Promise<(LogMark | undefined)[]> =>
  rowsOf(await sql.query(`select epoch, position, leaf from public.replay_lane where ${OF_LOG} order by lane`, place(consumer, log))).map(markOf);

/** Splits a checkpoint into lanes that all stand at it. Nothing when there are lanes already: their number stays until they are joined. */
export const splitLanes = <Tx extends Sql>(scope: TransactionScope<Tx>, checkpoints: CheckpointStore<Tx>, consumer: string, log: LogKey, lanes: number): Promise<void> =>
  scope.transaction(async (tx) => {
    const mark = await checkpoints.lock(tx, log);
    await tx.query(
      `insert into public.replay_lane (consumer, tenant, context, shard, lane, epoch, position, leaf) select $1, $2, $3, $4, n, $6, $7, $8 from generate_series(0, $5::integer - 1) n
       where not exists (select 1 from public.replay_lane where ${OF_LOG})`,
      [...place(consumer, log), lanes, mark?.epoch ?? 0, mark?.position ?? 0, Buffer.from(mark?.leaf ?? [])]);
  });

/** Joins lanes that stand at one position into the checkpoint. False, and nothing done, when they don't. */
export const joinLanes = <Tx extends Sql>(scope: TransactionScope<Tx>, checkpoints: CheckpointStore<Tx>, consumer: string, log: LogKey): Promise<boolean> =>
  scope.transaction(async (tx) => {
    const rows = rowsOf(await tx.query(`select epoch, position, leaf from public.replay_lane where ${OF_LOG} order by lane for update`, place(consumer, log)));
    const marks = rows.map(markOf);
    if (marks.some((mark) => mark?.position !== marks[0]?.position)) return false;
    await checkpoints.lock(tx, log);
    if (marks[0]) await checkpoints.save(tx, log, marks[0]);
    await tx.query(`delete from public.replay_lane where ${OF_LOG}`, place(consumer, log));
    return true;
  });

/** The checkpoint of one lane: moved in the transaction that holds the lane's part of a batch. */
export const laneCheckpoints = <Tx extends Sql>(consumer: string, lane: number): BatchCheckpoints<Tx> => ({
  async lock(tx, log) {
    const [row] = rowsOf(await tx.query(`select epoch, position, leaf from public.replay_lane where ${OF_LOG} and lane = $5 for update`, [...place(consumer, log), lane]));
    // Joined meanwhile by another process: it goes on from the one checkpoint, and this batch must not be applied.
    if (!row) throw Object.assign(new Error('the lane is gone'), { code: '40001' });
    return markOf(row);
  },
  async save(tx, log, { epoch, position, leaf }) {
    await tx.query(`update public.replay_lane set epoch = $6, position = $7, leaf = $8 where ${OF_LOG} and lane = $5`, [...place(consumer, log), lane, epoch, position, Buffer.from(leaf)]);
  },
});
