import { asOfActive } from '@millrace/event-sourcing';
import type { AsOf, Context } from '@millrace/kernel';
import type { EntityManager } from 'typeorm';
import { salesFacts } from '../sales/sales-facts.ts';
import type { Metric } from './metric.model.ts';
import type { FilterId, Question } from './question.model.ts';

/**
 * The filter of every question, as one fixed text: what isn't asked is null and holds always, so that nothing of a request ever
 * becomes SQL. `$2`, `$3` are from and to (exclusive).
 */
const TIME_RANGE = '($2::timestamptz is null or f.time >= $2) and ($3::timestamptz is null or f.time < $3)';
const EVENT_FILTER = `f.tenant = $1
  and ($4::text[] is null or f.source = any($4)) and ($5::text[] is null or f.currency = any($5))
  and ($6::text[] is null or coalesce(f.country, 'none') = any($6)) and ($7::text[] is null or coalesce(f.customer_ref, 'none') = any($7))
  and ($8::text[] is null or f.fact = any($8))
  and ($9::timestamptz[] is null or date_trunc('hour', f.time, 'UTC') = any($9)) and ($10::timestamptz[] is null or date_trunc('day', f.time, 'UTC') = any($10))
  and ($11::timestamptz[] is null or date_trunc('month', f.time, 'UTC') = any($11))`;
const LINE_FILTER = '($12::text[] is null or f.product_id = any($12)) and ($13::text[] is null or f.kind = any($13))';
/** An order has no product and no kind of its own. */
const ORDER_FILTER = '$12::text[] is null and $13::text[] is null';
/** Where a product is asked for, an order counts once if it has a line of it; by product, once for each product on it. */
const ORDER_WITH_PRODUCT_FILTER = `exists (select from order_line_fact l
  where l.tenant = f.tenant and l.log = f.log and l.position = f.position and l.product_id = any($12::text[])) and $13::text[] is null`;
const ORDER_BY_PRODUCT = '(select o.*, l.product_id from order_fact o join order_line_fact l using (tenant, log, position) where l.first_of_product) f';
const ORDER_BY_PRODUCT_FILTER = '($12::text[] is null or f.product_id = any($12)) and $13::text[] is null';

/** The first filter parameters in the order of the `$` numbers above. */
const FILTER_ORDER: readonly FilterId[] = ['source', 'currency', 'country', 'customer', 'fact', 'hour', 'day', 'month', 'product', 'kind'];
/** Number of parameters that `factParameters` answers; a query's own come after. */
export const FACT_PARAMETERS = 3 + FILTER_ORDER.length;

/** Fixed fragments: where the facts `f` of a metric come from, and which of them a question is about. */
export interface FactSource {
  readonly from: string;
  readonly where: string;
  /** Without the time range. */
  readonly whereEver: string;
}

const sourceOf = (metric: Metric, { by, where }: Pick<Question, 'by' | 'where'>): readonly [from: string, own: string] => {
  if (metric.grain !== 'order') return ['order_line_fact f', LINE_FILTER];
  if (by.includes('product')) return [ORDER_BY_PRODUCT, ORDER_BY_PRODUCT_FILTER];
  return ['order_fact f', where.product === undefined ? ORDER_FILTER : ORDER_WITH_PRODUCT_FILTER];
};

export const factSourceOf = (metric: Metric, question: Pick<Question, 'by' | 'where'>): FactSource => {
  const [from, own] = sourceOf(metric, question);
  const whereEver = `${EVENT_FILTER} and ${own}`;
  return { from, whereEver, where: `${whereEver} and ${TIME_RANGE}` };
};

export const factParameters = ({ tenant, from, to, where }: Question): unknown[] => [tenant, from ?? null, to ?? null, ...FILTER_ORDER.map((key) => where[key] ?? null)];

/** The positions up to which each log's events are in the tables, in the snapshot of `manager`. */
export const asOfIn = async (manager: EntityManager, tenant: string, contexts: readonly Context[]): Promise<AsOf> => {
  const all = await asOfActive(manager, salesFacts.name, tenant);
  return Object.fromEntries(Object.entries(all).filter(([log]) => contexts.some((context) => log.startsWith(`${context}/`))));
};

/** What an answer stands for: positions, and how many events up to them are parked and so in no number; `parked` names only logs that have any. */
export interface Standing {
  readonly asOf: AsOf;
  readonly parked?: Readonly<Record<string, number>>;
}

/** In the snapshot of `manager`. */
export const standingIn = async (manager: EntityManager, tenant: string, contexts: readonly Context[]): Promise<Standing> => {
  const rows = await manager.query<{ log: string; events: number }[]>(
    `select p.context || '/' || p.shard as log, count(*)::int as events from public.parked_event p join public.projection_build b on p.consumer = b.projection || '@' || b.build
     where b.projection = $1 and b.state = 'active' and p.tenant = $2 and p.context = any($3) group by 1 order by 1`, [salesFacts.name, tenant, contexts]);
  const asOf = await asOfIn(manager, tenant, contexts);
  return rows.length === 0 ? { asOf } : { asOf, parked: Object.fromEntries(rows.map(({ log, events }) => [log, events])) };
};
