import type { Epoch, LogEpoch, LogKey, Position } from '@millrace/kernel';
import type { Database } from './database.ts';

interface EpochRow { readonly epoch: string; readonly from_position: string; readonly previous_epoch: string; readonly head: string; readonly previous_head: string; readonly reason: string; readonly at: Date }

const fromRow = (row: EpochRow): LogEpoch => ({
  epoch: Number(row.epoch), fromPosition: Number(row.from_position), previousEpoch: Number(row.previous_epoch),
  head: Number(row.head), previousHead: Number(row.previous_head), reason: row.reason, at: row.at.toISOString(),
});

/** Epochs that recoveries made, oldest first; the first epoch of a log is in no row. Empty when the caller may not see the log. */
export const logEpochs = async (database: Database, log: LogKey): Promise<LogEpoch[]> => {
  const rows = await database.query<EpochRow>({
    name: 'log-epochs',
    text: 'SELECT epoch, from_position, previous_epoch, head, previous_head, reason, at FROM log.log_epoch WHERE tenant = $1 AND context = $2 AND shard = $3 ORDER BY epoch',
    values: [log.tenant, log.context, log.shard],
  });
  return rows.map(fromRow);
};

/** What a recovery knows of the epoch it ends. */
export interface EpochRenewal {
  /** The epoch that was explained to the operator; 0 when the database had no such log. */
  readonly expected: Epoch;
  /** The greatest epoch anybody holds a position of: the new one is above it. */
  readonly above: Epoch;
  /** First position that is not known to hold the old epoch's event. */
  readonly from: Position;
  /** The furthest position anybody has seen of the log. */
  readonly previousHead: Position;
  /** At most 500 bytes, no personal data. */
  readonly reason: string;
}

/**
 * Renews a log's epoch and writes its row, for the relaying service. Idempotent by `expected`: again, or second, answers the epoch that was
 * made of it. `epoch-renewed` when the log has gone on to an epoch of another origin: explain again.
 */
export const renewLogEpoch = async (database: Database, log: LogKey, { expected, above, from, previousHead, reason }: EpochRenewal): Promise<Epoch> => {
  const [row] = await database.query<{ epoch: string }>({
    text: 'SELECT millrace.renew_log_epoch($1, $2, $3, $4, $5, $6, $7, $8) AS epoch',
    values: [log.tenant, log.context, log.shard, expected, above, from, previousHead, reason],
  });
  return Number(row!.epoch);
};
