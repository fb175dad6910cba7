import { listValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type { ParkedEvent, ParkedStore } from '@millrace/event-sourcing';
import type { LogKey, Tenant } from '@millrace/kernel';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';

/** How many events of each of the tenant's logs are parked in the build that the transaction looks in. */
export const parkedOf = async (tx: DuckDBConnection, tenant: Tenant): Promise<Record<string, number>> => {
  const rows = (await tx.runAndReadAll('select context, shard, count(*) from parked_event where tenant = $1 group by all order by all', [tenant])).getRows();
  return Object.fromEntries(rows.map(([context, shard, events]) => [`${String(context)}/${Number(shard)}`, Number(events)]));
};

const place = ({ tenant, context, shard }: LogKey): DuckDBValue[] => [tenant, context, shard];
const OF_LOG = 'tenant = $1 and context = $2 and shard = $3';

/** Parked events in the warehouse's own file; the key is the stream. */
export class ParkedEvents implements ParkedStore<DuckDBConnection> {
  constructor(private readonly database: WarehouseDatabase) {}

  async keys(tx: DuckDBConnection, log: LogKey, keys: readonly string[]): Promise<ReadonlySet<string>> {
    // Mostly none is parked, and then thousands of keys need not be handed over.
    if ((await tx.runAndReadAll(`select 1 from parked_event where ${OF_LOG} limit 1`, place(log))).currentRowCount === 0) return new Set();
    const found = await tx.runAndReadAll(`select distinct stream from parked_event where ${OF_LOG} and list_contains($4, stream)`, [...place(log), listValue([...keys])]);
    return new Set(found.getRows().map(([stream]) => String(stream)));
  }

  async park(tx: DuckDBConnection, log: LogKey, { position, key, eventId, type, code, reason }: ParkedEvent): Promise<void> {
    await tx.run(
      `insert into parked_event (tenant, context, shard, position, event_id, stream, code, reason, type, parked_ms)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 where not exists (select 1 from parked_event where ${OF_LOG} and position = $4)`,
      [...place(log), BigInt(position), eventId, key, code, reason, type, BigInt(Date.now())]);
  }

  async forget(tx: DuckDBConnection, log: LogKey): Promise<void> {
    await tx.run(`delete from parked_event where ${OF_LOG}`, place(log));
  }

  async discarded(tx: DuckDBConnection, log: LogKey, first: number, last: number): Promise<ReadonlyMap<number, string>> {
    const found = await tx.runAndReadAll(`select position, event_id from discarded_event where ${OF_LOG} and position between $4 and $5`, [...place(log), BigInt(first), BigInt(last)]);
    return new Map(found.getRows().map(([position, eventId]) => [Number(position), String(eventId)]));
  }

  count(log: LogKey): Promise<number> {
    return this.database.exclusively(async (connection) => Number((await connection.runAndReadAll(`select count(*) from parked_event where ${OF_LOG}`, place(log))).getRows()[0]?.[0] ?? 0));
  }
}
