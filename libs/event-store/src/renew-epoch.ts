import { DomainError, logName, type Epoch, type LogKey } from '@millrace/kernel';
import type { ClientBase } from 'pg';

/**
 * Gives a log a new epoch, as the database's owner, after a restore: appends and marks of the old one are refused from its commit on.
 * Returns the new epoch: now in seconds since 1970, or one more than the old where that isn't greater. `not-found` without such a log.
 */
export const renewEpoch = async (client: ClientBase, log: LogKey): Promise<Epoch> => {
  const { rows } = await client.query<{ epoch: string }>(
    `UPDATE millrace.log_head SET epoch = greatest(epoch + 1, floor(extract(epoch FROM clock_timestamp()))::bigint)
      WHERE tenant = $1 AND context = $2 AND shard = $3 RETURNING epoch`,
    [log.tenant, log.context, log.shard],
  );
  if (rows[0] === undefined) throw new DomainError('not-found', 'log-unknown', { log: logName(log) }, `There is no log ${logName(log)} of this tenant: nothing to renew.`);
  return Number(rows[0].epoch);
};
