import { DomainError, type Context, type Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';
import { domainErrorOf, SHARDS_ONLY_GROW, sqlStateOf } from './failure.ts';

/** Most logs of one context; sql/0005_log_shards.sql says why. */
export const MAX_SHARDS = 64;

/** How many logs a tenant's context has. `shardsBefore` and `raisedAt` tell of the last raise; the time is absent when there was none. */
export interface LogShards {
  readonly tenant: Tenant;
  readonly context: Context;
  readonly shards: number;
  readonly shardsBefore: number;
  /** RFC 3339, by the database's clock. */
  readonly raisedAt?: string;
}

interface ShardsRow { readonly shards: number; readonly shards_before: number; readonly raised_at: Date | null }

const fromRow = (tenant: Tenant, context: Context, row: ShardsRow | undefined): LogShards =>
  ({ tenant, context, shards: row?.shards ?? 1, shardsBefore: row?.shards_before ?? 1, ...(row?.raised_at ? { raisedAt: row.raised_at.toISOString() } : {}) });

/** One, never raised, where nobody has said otherwise. For whoever reads every context. */
export const logShards = async (database: Database, tenant: Tenant, context: Context): Promise<LogShards> => {
  const [row] = await database.query<ShardsRow>({ name: 'shard-count', text: 'SELECT shards, shards_before, raised_at FROM log.shard_count WHERE tenant = $1 AND context = $2', values: [tenant, context] });
  return fromRow(tenant, context, row);
};

/**
 * Raises the count of a context's logs; new streams are spread over all of them from now on, in a running store within seconds, and
 * streams that exist stay where they are. Idempotent: the same count again tells of the raise that made it. DomainError `invalid`
 * (`shards-out-of-range`), `conflict` (`shards-only-grow`), `forbidden` (`not-granted`).
 */
export const raiseShards = async (database: Database, tenant: Tenant, context: Context, shards: number): Promise<LogShards> => {
  if (!Number.isSafeInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
    throw new DomainError('invalid', 'shards-out-of-range', { shards, max: MAX_SHARDS }, `A context has 1 to ${MAX_SHARDS} logs; got ${shards}.`);
  }
  try {
    const [row] = await database.run<ShardsRow>({ name: 'raise-shards', text: 'SELECT shards, shards_before, raised_at FROM millrace.raise_shards($1, $2, $3)', values: [tenant, context, shards] });
    return fromRow(tenant, context, row);
  } catch (error) {
    if (sqlStateOf(error) !== SHARDS_ONLY_GROW) throw domainErrorOf(error);
    throw new DomainError('conflict', 'shards-only-grow', { context, asked: shards }, `${context} has more logs than ${shards} already, and a count never goes down: streams are pinned to their logs. Ask for more, or leave it.`);
  }
};
