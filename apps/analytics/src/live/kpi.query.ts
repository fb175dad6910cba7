import type { AsOf, Tenant } from '@millrace/kernel';
import type { DataSource } from 'typeorm';
import { readSnapshot } from '../analytics-database.ts';
import { asOfIn } from '../metrics/fact-source.ts';

/** Totals of all time in one currency, by the definitions of the metrics of these names; exact decimals as text. */
export interface Kpi {
  readonly currency: string;
  readonly gross: string;
  readonly clean: string;
  readonly units: string;
  readonly lines: number;
  readonly orders: number;
  readonly buyers: number;
}

export interface KpiSnapshot {
  readonly tenant: Tenant;
  readonly asOf: AsOf;
  readonly kpis: readonly Kpi[];
}

/** Reads the rollup, never the facts: costs the same however many lines there are in an hour. */
export const readKpis = (database: DataSource, tenant: Tenant): Promise<KpiSnapshot> =>
  readSnapshot(database, async (manager) => ({
    tenant,
    asOf: await asOfIn(manager, tenant, ['sales']),
    kpis: await manager.query<Kpi[]>(
      `select h.currency, sum(h.gross)::text as gross, sum(h.clean)::text as clean, sum(h.units)::text as units, sum(h.lines)::int as lines, sum(h.orders)::int as orders,
         (select count(*)::int from buyer b where b.tenant = $1 and b.currency = h.currency) as buyers
       from hourly_sales h where h.tenant = $1 group by h.currency order by h.currency`, [tenant]),
  }));
