import type { Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';
import type { SourceCount } from './event-store.ts';

interface CountRow { readonly tenant: string; readonly source: string; readonly received: string; readonly accepted: string; readonly duplicate: string; readonly rejected: string }

const OF = (outcome: string): string => `coalesce(sum(n) FILTER (WHERE outcome = '${outcome}'), 0) AS ${outcome}`;

/** Sums per tenant and source, in their order, all of one moment. */
export const counts = async (database: Database, tenant?: Tenant): Promise<SourceCount[]> => {
  const rows = await database.query<CountRow>({
    name: 'counts',
    text: `SELECT tenant, source, ${['received', 'accepted', 'duplicate', 'rejected'].map(OF).join(', ')} FROM log.source_count
      WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant, source ORDER BY tenant, source`,
    values: [tenant ?? null],
  });
  return rows.map((row) => {
    const [received, accepted, duplicate, rejected] = [Number(row.received), Number(row.accepted), Number(row.duplicate), Number(row.rejected)];
    return { tenant: row.tenant, source: row.source, received, accepted, duplicate, rejected, unanswered: received - accepted - duplicate - rejected };
  });
};

/** Folds counter deltas together; sums stay. Returns the rows saved. For the relaying service only. */
export const compactCounts = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ saved: string }>({ name: 'compact-counts', text: 'SELECT millrace.compact_counts() AS saved' });
  return Number(row!.saved);
};
