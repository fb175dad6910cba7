import { isContext, type LogHead, type LogKey, type Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';

interface HeadRow { readonly tenant: string; readonly context: string; readonly shard: number; readonly epoch: string; readonly position: string; readonly leaf: Buffer | null }

const fromRow = (row: HeadRow): LogHead[] => (!isContext(row.context) ? [] : [{
  tenant: row.tenant, context: row.context, shard: row.shard, epoch: Number(row.epoch), position: Number(row.position), ...(row.leaf === null ? {} : { leaf: row.leaf }),
}]);

const COLUMNS = 'tenant, context, shard, epoch, position, leaf';

/** Heads of all logs the caller may read or append to, by tenant, context and shard. */
export const heads = async (database: Database, tenant?: Tenant): Promise<LogHead[]> => {
  const rows = await database.query<HeadRow>({ name: 'heads', text: `SELECT ${COLUMNS} FROM log.head WHERE $1::text IS NULL OR tenant = $1 ORDER BY tenant, context, shard`, values: [tenant ?? null] });
  return rows.flatMap(fromRow);
};

/** Undefined when the log doesn't exist or its context is not granted. */
export const head = async (database: Database, log: LogKey): Promise<LogHead | undefined> => {
  const rows = await database.query<HeadRow>({ name: 'head', text: `SELECT ${COLUMNS} FROM log.head WHERE tenant = $1 AND context = $2 AND shard = $3`, values: [log.tenant, log.context, log.shard] });
  return rows.flatMap(fromRow)[0];
};
