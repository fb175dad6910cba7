import { DomainError, isContext, isRedacted, logName, parseLogName, type Json, type JsonObject, type LogKey, type LogReader, type StoredEvent } from '@millrace/kernel';
import { holdActiveBuilds, listBuilds, type Build } from './build-catalog.ts';
import { buildConsumer } from './consumer-tables.ts';
import type { ProjectionBuilds } from './projection-builds.ts';
import type { ParkedDetail, ParkedOperations, ParkedOutcome, ParkedPage, ParkedQuestion, ParkedStanding } from './projection-operations.ts';
import { applyGuarded } from './projection-runner.ts';
import type { ProjectionTarget, TransactionScope } from './projection.ts';
import { rowsOf, type Sql } from './sql.ts';

/** What is told of a discard before it takes effect. */
export interface ParkedDiscard {
  readonly consumer: string;
  readonly log: LogKey;
  readonly position: number;
  readonly eventId: string;
  readonly reason: string;
}

export interface ParkedEventOptions<Tx extends Sql> {
  readonly live: TransactionScope<Tx> & Sql;
  readonly reader: LogReader;
  readonly builds: ProjectionBuilds<Tx>;
  /** Records the discard as a fact; idempotent, and nothing is discarded when it throws. */
  readonly record: (discard: ParkedDiscard) => Promise<void>;
  /** After a commit that changed the active build's tables. */
  readonly applied?: (log: LogKey) => void;
}

/** Most events of one key that a retry takes into its transaction; the rest stays parked in order and takes another. */
const MOST_AT_ONCE = 1_000;
const COLUMNS = 'consumer, tenant, context, shard, position, key, event_id, type, code, reason, parked_at';
const OF_KEY = 'consumer = $1 and tenant = $2 and context = $3 and shard = $4 and key = $5';

type Row = Readonly<Record<string, unknown>>;

interface Parked extends ParkedStanding {
  readonly logKey: LogKey;
}

const logOf = (row: Row): LogKey => parseLogName(String(row['tenant']), `${String(row['context'])}/${String(row['shard'])}`);

const parkedOf = (row: Row): Parked => {
  const logKey = logOf(row);
  const [consumer, position, at] = [String(row['consumer']), Number(row['position']), row['parked_at']];
  return {
    id: `${consumer}:${logKey.tenant}:${logKey.context}:${logKey.shard}:${position}`, consumer, logKey, tenant: logKey.tenant, log: logName(logKey), position, key: String(row['key']), eventId: String(row['event_id']),
    type: String(row['type']), code: String(row['code']), reason: String(row['reason']), parkedAt: at instanceof Date ? at.toISOString() : String(at),
  };
};

const standingOf = (parked: Parked): ParkedStanding => {
  const { logKey, ...standing } = parked;
  return { ...standing, log: logName(logKey) };
};

export interface ParkedId { readonly consumer: string; readonly log: LogKey; readonly position: number }

/** Reads the id of a parked event. Throws DomainError `parked-id-malformed`. */
export const parseParkedId = (id: string): ParkedId => {
  const [, consumer, tenant, context = '', shard, position] = /^([a-z0-9-]{1,64}@\d{1,9}):([a-z0-9-]{1,32}):([a-z]{1,32}):(\d{1,4}):(\d{1,15})$/.exec(id) ?? [];
  if (consumer && tenant && isContext(context)) return { consumer, log: { tenant, context, shard: Number(shard) }, position: Number(position) };
  throw new DomainError('invalid', 'parked-id-malformed', {}, 'A parked event is named <consumer>:<tenant>:<context>:<shard>:<position>, as the list of parked events does.');
};

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sealed values are shown as sealed, by whose they are and nothing more; the rest of the data holds nothing personal. */
const withoutBoxes = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutBoxes);
  if (!isObject(value)) return value;
  const sealed = value['$sealed'];
  if (sealed !== undefined && isObject(sealed)) return { $sealed: { subject: sealed['subject'] ?? null, purpose: sealed['purpose'] ?? null } };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutBoxes(inner)]));
};

/** An event's data for people: sealed values stay sealed, and nothing when it is not JSON. */
export const shownData = (stored: StoredEvent): { data?: Json } => {
  try {
    return { data: withoutBoxes(JSON.parse(Buffer.from(stored.data).toString('utf8')) as Json) };
  } catch {
    return {}; // not JSON: that is what it is parked for
  }
};

/** Parked events of the builds in one Postgres database. */
export class ParkedEventOperations<Tx extends Sql> implements ParkedOperations {
  constructor(private readonly options: ParkedEventOptions<Tx>) {}

  async list({ consumer, after, limit }: ParkedQuestion): Promise<ParkedPage> {
    const from = after === undefined ? undefined : parseParkedId(after);
    const rows = rowsOf(await this.options.live.query(
      `select ${COLUMNS} from public.parked_event
       where ($1::text is null or consumer = $1 or consumer like replace($1, '_', '\\_') || '@%')
         and ($2::text is null or (consumer, tenant, context, shard, position) > ($2, $3, $4, $5::integer, $6::bigint))
       order by consumer, tenant, context, shard, position limit $7`,
      [consumer ?? null, from?.consumer ?? null, from?.log.tenant ?? null, from?.log.context ?? null, from?.log.shard ?? null, from?.position ?? null, limit + 1]));
    const parked = rows.slice(0, limit).map((row) => standingOf(parkedOf(row)));
    return { parked, next: rows.length > limit ? parked.at(-1)?.id ?? null : null };
  }

  async show(id: string): Promise<ParkedDetail> {
    const parked = await this.require(id);
    const [event] = await this.options.reader.read(parked.logKey, parked.position - 1, 1);
    const keyed = await this.ofKey(this.options.live, parked);
    return { ...standingOf(parked), behind: keyed.filter(({ position }) => position > parked.position).length, ...(event ? { envelope: event.envelope, ...shownData(event) } : {}) };
  }

  async retry(id: string): Promise<ParkedOutcome> {
    const parked = await this.require(id);
    return this.retryKey(parked, await this.buildOf(parked.consumer));
  }

  async discard(id: string, reason: string): Promise<ParkedOutcome> {
    const parked = await this.require(id);
    const [first] = await this.ofKey(this.options.live, parked);
    if (first && first.position !== parked.position) {
      throw new DomainError('conflict', 'parked-behind', { first: first.id }, `This event waits behind ${first.id} of the same key. Retry or discard that one first.`);
    }
    const build = await this.buildOf(parked.consumer);
    await this.options.record({ consumer: build.projection, log: parked.logKey, position: parked.position, eventId: parked.eventId, reason });
    await this.options.live.query(
      `insert into public.discarded_event (projection, tenant, context, shard, position, event_id, reason) values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint discarded_event_pk do nothing`,
      [build.projection, parked.tenant, parked.logKey.context, parked.logKey.shard, parked.position, parked.eventId, reason]);
    // The other builds of the projection may have parked it as well.
    const others = (await listBuilds(this.options.live)).filter((one) => one.projection === build.projection && one.id !== build.id && one.state !== 'retired');
    for (const other of others) await this.retryKey({ ...parked, consumer: buildConsumer(other.projection, other.build) }, other);
    return this.retryKey(parked, build);
  }

  /** The key's parked events in order, in one transaction; batches of the log wait for it. A redacted one is let go: nothing is left to apply. */
  private async retryKey(parked: Parked, build: Build): Promise<ParkedOutcome> {
    const target = this.options.builds.targetOf(build, this.options.builds.ruleOf(build));
    const events = await this.eventsOf(await this.ofKey(this.options.live, parked));
    const outcome = await this.options.live.transaction(async (tx) => {
      await holdActiveBuilds(tx);
      await target.checkpoints.lock(tx, parked.logKey);
      await target.enter?.(tx);
      return this.applyParked(tx, target, await this.ofKey(tx, parked), events);
    });
    if (outcome.applied.length > 0 && build.state === 'active') this.options.applied?.(parked.logKey);
    return outcome;
  }

  private async applyParked(tx: Tx, target: ProjectionTarget<Tx>, parked: readonly Parked[], events: ReadonlyMap<number, StoredEvent>): Promise<ParkedOutcome> {
    const applied: number[] = [];
    for (const one of parked) {
      const { position, logKey } = one;
      const discarded = (await target.parked.discarded(tx, logKey, position, position)).get(position) === one.eventId;
      const stored = events.get(position);
      // Parked since the events were read: the next retry takes it.
      if (!stored && !discarded) break;
      const fault = discarded || !stored || isRedacted(stored) ? undefined : await applyGuarded(tx, target, stored);
      if (fault) {
        await tx.query('update public.parked_event set code = $6, reason = $7 where consumer = $1 and tenant = $2 and context = $3 and shard = $4 and position = $5', [...placeOf(one), position, fault.code, fault.reason]);
        return { applied, stopped: { position, ...fault } };
      }
      await tx.query('delete from public.parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4 and position = $5', [...placeOf(one), position]);
      applied.push(position);
    }
    return { applied };
  }

  private async eventsOf(parked: readonly Parked[]): Promise<Map<number, StoredEvent>> {
    const events = new Map<number, StoredEvent>();
    for (const { logKey, position } of parked) {
      const [event] = await this.options.reader.read(logKey, position - 1, 1);
      if (event) events.set(position, event);
    }
    return events;
  }

  private async ofKey(sql: Sql, parked: Parked): Promise<Parked[]> {
    return rowsOf(await sql.query(`select ${COLUMNS} from public.parked_event where ${OF_KEY} order by position limit ${MOST_AT_ONCE}`, [...placeOf(parked), parked.key])).map(parkedOf);
  }

  private async require(id: string): Promise<Parked> {
    const { consumer, log, position } = parseParkedId(id);
    const [row] = rowsOf(await this.options.live.query(`select ${COLUMNS} from public.parked_event where consumer = $1 and tenant = $2 and context = $3 and shard = $4 and position = $5`, [consumer, log.tenant, log.context, log.shard, position]));
    if (row) return parkedOf(row);
    throw new DomainError('not-found', 'parked-event-unknown', { id }, `No event ${id} is parked here. It may have been applied or discarded meanwhile: list the parked events again.`);
  }

  private async buildOf(consumer: string): Promise<Build> {
    const build = (await listBuilds(this.options.live)).find((one) => buildConsumer(one.projection, one.build) === consumer);
    if (build) return build;
    throw new DomainError('not-found', 'build-unknown', { consumer }, `There is no build ${consumer}.`);
  }
}

const placeOf = ({ consumer, logKey }: Parked): unknown[] => [consumer, logKey.tenant, logKey.context, logKey.shard];
