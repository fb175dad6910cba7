import { DuckDBBlobValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type { CheckpointStore } from '@millrace/event-sourcing';
import { parseLogName, type LogKey, type LogMark, type Tenant } from '@millrace/kernel';
import { rowText } from '../duckdb/row-text.ts';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';

const key = ({ tenant, context, shard }: LogKey): DuckDBValue[] => [tenant, context, shard];

export const markOf = (row: Readonly<Record<string, DuckDBValue>>): LogMark => {
  const leaf = row['leaf'];
  return { epoch: Number(row['epoch']), position: Number(row['position']), leaf: leaf instanceof DuckDBBlobValue ? leaf.bytes : new Uint8Array() };
};

/** Marks of all logs of a tenant, in the order of their names; with `tx`, those of its snapshot. */
export const marksOf = async (tx: DuckDBConnection, tenant: Tenant): Promise<{ log: LogKey; mark: LogMark }[]> => {
  const rows = (await tx.runAndReadAll('select context, shard, epoch, position, leaf from load_position where tenant = $1 order by context, shard', [tenant])).getRowObjects();
  return rows.map((row) => ({ log: parseLogName(tenant, `${rowText(row, 'context')}/${Number(row['shard'])}`), mark: markOf(row) }));
};

/** Where the load stands in each log: moved in the transaction that holds the rows. */
export class LoadPositions implements CheckpointStore<DuckDBConnection> {
  constructor(private readonly database: WarehouseDatabase) {}

  async load(log: LogKey): Promise<LogMark | undefined> {
    return this.database.exclusively((connection) => this.lock(connection, log));
  }

  async logs(): Promise<LogKey[]> {
    const rows = await this.database.exclusively(async (connection) => (await connection.runAndReadAll('select tenant, context, shard from load_position')).getRowObjects());
    return rows.map((row) => parseLogName(rowText(row, 'tenant'), `${rowText(row, 'context')}/${Number(row['shard'])}`));
  }

  async forget(tx: DuckDBConnection, log: LogKey): Promise<void> {
    await tx.run('delete from load_position where tenant = $1 and context = $2 and shard = $3', key(log));
  }

  /** Nothing else writes beside `tx`: reading is holding. */
  async lock(tx: DuckDBConnection, log: LogKey): Promise<LogMark | undefined> {
    const [row] = (await tx.runAndReadAll('select epoch, position, leaf from load_position where tenant = $1 and context = $2 and shard = $3', key(log))).getRowObjects();
    return row && markOf(row);
  }

  async save(tx: DuckDBConnection, log: LogKey, { epoch, position, leaf }: LogMark): Promise<void> {
    const values: DuckDBValue[] = [...key(log), BigInt(epoch), BigInt(position), new DuckDBBlobValue(leaf)];
    const moved = await tx.run('update load_position set epoch = $4, position = $5, leaf = $6 where tenant = $1 and context = $2 and shard = $3', values);
    if (moved.rowsChanged === 0) await tx.run('insert into load_position values ($1, $2, $3, $4, $5, $6)', values);
  }
}
