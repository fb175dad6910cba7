import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { DomainError, isContext, logName, redactedForm, type LogKey, type StoredEvent, type Tenant } from '@millrace/kernel';
import { rowText } from '../duckdb/row-text.ts';
import type { Lake } from '../lake/lake.ts';
import { STAR_TABLES } from '../star/star-tables.ts';

/** An event that a `security.event.redacted` names. */
interface Order {
  readonly log: LogKey;
  readonly position: number;
  readonly eventId: string;
}

const place = ({ tenant, context, shard }: LogKey): DuckDBValue[] => [tenant, context, shard];
const OF_LOG = 'tenant = $1 and context = $2 and shard = $3';

const orderOf = ({ log: { tenant }, position, data }: StoredEvent): Order => {
  const told: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
  if (typeof told === 'object' && told !== null && 'context' in told && 'shard' in told && 'position' in told && 'eventId' in told) {
    const { context, shard, position: at, eventId } = told;
    if (typeof context === 'string' && isContext(context) && Number.isSafeInteger(shard) && Number.isSafeInteger(at) && typeof eventId === 'string') return { log: { tenant, context, shard: Number(shard) }, position: Number(at), eventId };
  }
  throw new DomainError('invalid', 'redaction-unreadable', { position }, 'Expected context, shard, position and eventId in the fact of a redaction. Verify the ledger of the security log.');
};

/** Which positions from `first` to `last` are ordered redacted, with the id of the event that is meant. */
export const redactedWithin = async (connection: DuckDBConnection, log: LogKey, first: number, last: number): Promise<ReadonlyMap<number, string>> => {
  const found = await connection.runAndReadAll(`select position, event_id from main.redacted_event where ${OF_LOG} and position between $4 and $5`, [...place(log), BigInt(first), BigInt(last)]);
  return new Map(found.getRows().map(([position, eventId]) => [Number(position), String(eventId)]));
};

/** The events, those among them that are ordered redacted without their data: the log may still hold it, since the fact comes before the deed. */
export const withheld = (events: readonly StoredEvent[], redacted: ReadonlyMap<number, string>): readonly StoredEvent[] =>
  (redacted.size === 0 ? events : events.map((event) => (redacted.get(event.position) === event.envelope.id ? redactedForm(event) : event)));

/**
 * Follows the security log: what a fact orders redacted leaves lake and star in the transaction that moves the load position past the fact,
 * and is kept in mind, for the event may come later than its fact, or again. Repeating it changes nothing.
 */
export class Redactions {
  constructor(private readonly lake: Lake) {}

  /** Answers how many of the events are orders that were not followed before. */
  async follow(tx: DuckDBConnection, events: readonly StoredEvent[]): Promise<number> {
    let followed = 0;
    for (const { log, position, eventId } of events.filter(({ log: { context }, envelope }) => context === 'security' && envelope.type === 'security.event.redacted').map(orderOf)) {
      const known = await redactedWithin(tx, log, position, position);
      if (known.get(position) !== eventId) {
        await tx.run(`delete from main.redacted_event where ${OF_LOG} and position = $4`, [...place(log), BigInt(position)]);
        await tx.run('insert into main.redacted_event values ($1, $2, $3, $4, $5)', [...place(log), BigInt(position), eventId]);
        followed += 1;
      }
      await this.lake.redact(tx, log, position, eventId);
      await clearStars(tx, { log, position, eventId });
    }
    return followed;
  }

  /** When a tenant's security log is to be read anew: its orders come again with it. */
  async forget(tx: DuckDBConnection, tenant: Tenant): Promise<void> {
    await tx.run('delete from main.redacted_event where tenant = $1', [tenant]);
  }
}

/** Every column of the star comes from data: an event's rows go as a whole, out of every build, and what was published of them with the next publication. */
const clearStars = async (tx: DuckDBConnection, { log, position, eventId }: Order): Promise<void> => {
  for (const row of (await tx.runAndReadAll('select build, schema_name from main.star_build')).getRowObjects()) {
    let gone = 0;
    for (const { name } of STAR_TABLES.filter(({ context }) => context === log.context)) {
      gone += (await tx.run(`delete from ${rowText(row, 'schema_name')}.${name} where tenant = $1 and log = $2 and position = $3 and event_id = $4`, [log.tenant, logName(log), BigInt(position), eventId])).rowsChanged;
    }
    if (gone > 0) await tx.run('update main.star_build set revision = revision + 1 where build = $1', [Number(row['build'])]);
  }
};
