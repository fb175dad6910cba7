import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { parseParkedId, shownData, type ParkedDetail, type ParkedDiscard, type ParkedOperations, type ParkedOutcome, type ParkedPage, type ParkedQuestion, type ParkedStanding } from '@millrace/event-sourcing';
import { DomainError, logName, parseLogName, type LogKey, type LogReader, type StoredEvent } from '@millrace/kernel';
import { rowText } from '../duckdb/row-text.ts';
import type { WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { writeStarRows } from '../star/star-writer.ts';
import { STAR, type StarBuilds } from './star-builds.ts';
import { redactedWithin, withheld } from './redactions.ts';
import { readForStar } from './star-load.ts';

export interface StarParkedOptions {
  readonly database: WarehouseDatabase;
  readonly reader: LogReader;
  readonly builds: StarBuilds;
  /** Records the discard as a fact; idempotent, and nothing is discarded when it throws. */
  readonly record: (discard: ParkedDiscard) => Promise<void>;
}

interface Parked extends ParkedStanding {
  readonly logKey: LogKey;
}

/** Most events of one key that a retry takes into its transaction; the rest stays parked in order and takes another. */
const MOST_AT_ONCE = 1_000;
const COLUMNS = 'tenant, context, shard, position, event_id, stream, code, reason, type, parked_ms';
const AT = 'tenant = $1 and context = $2 and shard = $3';

const place = ({ tenant, context, shard }: LogKey): DuckDBValue[] => [tenant, context, shard];

const parkedOf = (build: number, row: Readonly<Record<string, DuckDBValue>>): Parked => {
  const logKey = parseLogName(rowText(row, 'tenant'), `${rowText(row, 'context')}/${Number(row['shard'])}`);
  const position = Number(row['position']);
  return {
    id: `${STAR}@${build}:${logKey.tenant}:${logKey.context}:${logKey.shard}:${position}`, consumer: `${STAR}@${build}`, logKey, tenant: logKey.tenant, log: logName(logKey), position,
    key: rowText(row, 'stream'), eventId: rowText(row, 'event_id'), type: typeof row['type'] === 'string' ? row['type'] : '', code: rowText(row, 'code'), reason: rowText(row, 'reason'), parkedAt: new Date(Number(row['parked_ms'] ?? 0)).toISOString(),
  };
};

const standingOf = (parked: Parked): ParkedStanding => {
  const { logKey, ...standing } = parked;
  return { ...standing, log: logName(logKey) };
};

/** Parked events of the star's builds. Whether an event can be applied is known before anything is written, so nothing is ever taken back. */
export class StarParked implements ParkedOperations {
  constructor(private readonly options: StarParkedOptions) {}

  async list({ consumer, after, limit }: ParkedQuestion): Promise<ParkedPage> {
    const from = after === undefined ? undefined : parseParkedId(after);
    const builds = (await this.options.builds.list()).filter(({ build }) => consumer === undefined || consumer === STAR || consumer === `${STAR}@${build}`);
    const all = await this.options.database.exclusively(async (connection) => {
      const rows: Parked[] = [];
      for (const { build } of builds) rows.push(...await this.rows(connection, build, '', []));
      return rows;
    });
    const ordered = all.toSorted((a, b) => order(a).localeCompare(order(b))).filter((one) => from === undefined || order(one) > order({ ...from, logKey: from.log }));
    const page = ordered.slice(0, limit).map(standingOf);
    return { parked: page, next: ordered.length > limit ? page.at(-1)?.id ?? null : null };
  }

  async show(id: string): Promise<ParkedDetail> {
    const { parked, key } = await this.require(id);
    const [event] = await this.options.reader.read(parked.logKey, parked.position - 1, 1);
    return { ...standingOf(parked), behind: key.filter(({ position }) => position > parked.position).length, ...(event ? { envelope: event.envelope, ...shownData(event) } : {}) };
  }

  async retry(id: string): Promise<ParkedOutcome> {
    const { parked, key } = await this.require(id);
    return this.retryKey(buildIn(parked.consumer), key);
  }

  async discard(id: string, reason: string): Promise<ParkedOutcome> {
    const { parked, key } = await this.require(id);
    const [first] = key;
    if (first && first.position !== parked.position) throw new DomainError('conflict', 'parked-behind', { first: first.id }, `This event waits behind ${first.id} of the same key. Retry or discard that one first.`);
    await this.options.record({ consumer: STAR, log: parked.logKey, position: parked.position, eventId: parked.eventId, reason });
    await this.options.database.transaction((tx) => tx.run(
      `insert into main.discarded_event select $1, $2, $3, $4, $5, $6 where not exists (select 1 from main.discarded_event where ${AT} and position = $4)`, [...place(parked.logKey), BigInt(parked.position), parked.eventId, reason]));
    const others = (await this.options.builds.list()).filter(({ build }) => build !== buildIn(parked.consumer));
    for (const { build } of others) {
      const waiting = await this.options.database.exclusively((connection) => this.rows(connection, build, `${AT} and stream = $4`, [...place(parked.logKey), parked.key]));
      await this.retryKey(build, waiting);
    }
    return this.retryKey(buildIn(parked.consumer), key);
  }

  private async retryKey(build: number, key: readonly Parked[]): Promise<ParkedOutcome> {
    const [some] = key;
    if (!some) return { applied: [] };
    const events = new Map<number, StoredEvent>();
    for (const { logKey, position } of key) for (const event of await this.options.reader.read(logKey, position - 1, 1)) events.set(position, event);
    const schema = await this.schemaOf(build);
    return this.options.database.switching(schema, async (tx) => {
      const outcome: { applied: number[]; stopped?: ParkedOutcome['stopped'] } = { applied: [] };
      for (const one of await this.rows(tx, build, `${AT} and stream = $4`, [...place(some.logKey), some.key])) {
        const stored = events.get(one.position);
        const discarded = (await tx.runAndReadAll(`select 1 from main.discarded_event where ${AT} and position = $4 and event_id = $5`, [...place(one.logKey), BigInt(one.position), one.eventId])).currentRowCount > 0;
        if (!stored && !discarded) break;
        const [event] = stored ? withheld([stored], await redactedWithin(tx, one.logKey, one.position, one.position)) : [];
        const read = discarded || !event ? undefined : readForStar(event);
        if (read && 'fault' in read) {
          const [code, reason] = [read.fault.code, read.fault.message.slice(0, 500)];
          await tx.run(`update ${schema}.parked_event set code = $5, reason = $6 where ${AT} and position = $4`, [...place(one.logKey), BigInt(one.position), code, reason]);
          outcome.stopped = { position: one.position, code, reason };
          break;
        }
        if (read) await writeStarRows(tx, schema, [read]);
        await tx.run(`delete from ${schema}.parked_event where ${AT} and position = $4`, [...place(one.logKey), BigInt(one.position)]);
        outcome.applied.push(one.position);
      }
      // Rows at positions that may have been published: what was published is another revision's.
      if (outcome.applied.length > 0) await tx.run('update main.star_build set revision = revision + 1 where build = $1', [build]);
      return outcome;
    });
  }

  private async rows(connection: DuckDBConnection, build: number, condition: string, values: readonly DuckDBValue[]): Promise<Parked[]> {
    const schema = await this.options.builds.schemaOf(connection, build);
    if (schema === undefined) return [];
    const found = await connection.runAndReadAll(`select ${COLUMNS} from ${schema}.parked_event ${condition === '' ? '' : `where ${condition}`} order by tenant, context, shard, position limit ${MOST_AT_ONCE}`, [...values]);
    return found.getRowObjects().map((row) => parkedOf(build, row));
  }

  private async require(id: string): Promise<{ parked: Parked; key: Parked[] }> {
    const { consumer, log, position } = parseParkedId(id);
    const build = buildIn(consumer);
    const found = consumer.startsWith(`${STAR}@`) && (await this.options.database.exclusively(async (connection) => {
      const [parked] = await this.rows(connection, build, `${AT} and position = $4`, [...place(log), BigInt(position)]);
      return parked && { parked, key: await this.rows(connection, build, `${AT} and stream = $4`, [...place(log), parked.key]) };
    }));
    if (found) return found;
    throw new DomainError('not-found', 'parked-event-unknown', { id }, `No event ${id} is parked here. It may have been applied or discarded meanwhile: list the parked events again.`);
  }

  private async schemaOf(build: number): Promise<string> {
    const schema = await this.options.database.exclusively((connection) => this.options.builds.schemaOf(connection, build));
    if (schema !== undefined) return schema;
    throw new DomainError('not-found', 'build-unknown', { build }, `There is no build ${build} of ${STAR}.`);
  }
}

const buildIn = (consumer: string): number => Number(consumer.slice(consumer.lastIndexOf('@') + 1));

const order = ({ consumer, logKey, position }: { consumer: string; logKey: LogKey; position: number }): string =>
  `${String(buildIn(consumer)).padStart(9, '0')} ${logKey.tenant} ${logKey.context} ${String(logKey.shard).padStart(4, '0')} ${String(position).padStart(16, '0')}`;
