import type { LogKey } from '@millrace/kernel';
import { logName } from '@millrace/kernel';
import type { EntityManager } from 'typeorm';
import type { SalesFact } from './sales-fact.model.ts';

/**
 * One statement for a whole batch. `fresh` is the gate: only events not yet there insert their lines and move the rollup, so a
 * batch that is delivered twice has no second effect. Rollup rows are taken in key order, so that two logs of one tenant
 * can't deadlock on them. A position already taken by another event is an error (unique key), never skipped.
 */
const INSERT_FACTS = `
with event as (
  select * from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[])
    as e(position, event_id, event_type, order_id, fact, reason, source, time, country, customer_ref, currency)
), line as (
  select *, quantity * unit_price as amount
  from unnest($14::bigint[], $15::integer[], $16::text[], $17::timestamptz[], $18::text[], $19::boolean[], $20::numeric[], $21::numeric[])
    as l(position, line_no, kind, line_time, product_id, first_of_product, quantity, unit_price)
), gross as (
  select position, sum(amount) as gross from line group by position
), fresh as (
  insert into order_fact (tenant, event_id, log, position, event_type, order_id, fact, reason, source, time, country, customer_ref, currency, gross)
  select $1, e.event_id, $2, e.position, e.event_type, e.order_id, e.fact, e.reason, e.source, e.time, e.country, e.customer_ref, e.currency, coalesce(g.gross, 0)
  from event e left join gross g using (position)
  on conflict (tenant, event_id) do nothing
  returning position, fact, reason, source, time, country, customer_ref, currency
), billed as (
  insert into order_line_fact (tenant, log, position, line_no, fact, reason, kind, source, time, country, product_id, first_of_product, customer_ref, quantity, unit_price, amount, currency)
  select $1, $2, l.position, l.line_no, f.fact, f.reason, l.kind, f.source, l.line_time, f.country, l.product_id, l.first_of_product, f.customer_ref, l.quantity, l.unit_price, l.amount, f.currency
  from line l join fresh f using (position)
  order by l.position, l.line_no
  returning fact, source, time, customer_ref, quantity, unit_price, amount, currency
), clean as (
  select *, customer_ref is not null and quantity > 0 and unit_price > 0 as is_clean from billed
), delta as (
  select date_trunc('hour', time, 'UTC') as hour, source, currency, 1 as lines, amount as gross,
    is_clean::int as clean_lines, case when is_clean then amount else 0 end as clean, case when is_clean then quantity else 0 end as units,
    (fact = 'cancelled')::int as cancelled_lines, 0 as orders
  from clean
  union all
  select date_trunc('hour', time, 'UTC'), source, currency, 0, 0, 0, 0, 0, 0, 1 from fresh where fact = 'placed'
), buyers as (
  insert into buyer (tenant, currency, customer_ref)
  select distinct $1, currency, customer_ref from clean where is_clean order by 2, 3
  on conflict do nothing
), rollup as (
  insert into hourly_sales as h (tenant, hour, source, currency, lines, gross, clean_lines, clean, units, cancelled_lines, orders)
  select $1, hour, source, currency, sum(lines), sum(gross), sum(clean_lines), sum(clean), sum(units), sum(cancelled_lines), sum(orders)
  from delta group by hour, source, currency order by hour, source, currency
  on conflict (tenant, hour, source, currency) do update set
    lines = h.lines + excluded.lines, gross = h.gross + excluded.gross,
    clean_lines = h.clean_lines + excluded.clean_lines, clean = h.clean + excluded.clean, units = h.units + excluded.units,
    cancelled_lines = h.cancelled_lines + excluded.cancelled_lines, orders = h.orders + excluded.orders
)
select count(*)::int as inserted from fresh`;

/**
 * Inserts the facts of one log, in the caller's transaction, and moves the rollup with them. Idempotent per event id.
 * Answers how many events were new.
 */
export const insertFacts = async (manager: EntityManager, log: LogKey, facts: readonly SalesFact[]): Promise<number> => {
  if (facts.length === 0) return 0;
  const lines = facts.flatMap((fact) => fact.lines.map((line) => ({ position: fact.position, ...line })));
  const [row] = await manager.query<{ inserted: number }[]>(INSERT_FACTS, [
    log.tenant, logName(log),
    facts.map((f) => f.position), facts.map((f) => f.eventId), facts.map((f) => f.eventType), facts.map((f) => f.orderId), facts.map((f) => f.fact), facts.map((f) => f.reason),
    facts.map((f) => f.source), facts.map((f) => f.time), facts.map((f) => f.country), facts.map((f) => f.customerRef), facts.map((f) => f.currency),
    lines.map((l) => l.position), lines.map((l) => l.lineNo), lines.map((l) => l.kind), lines.map((l) => l.time), lines.map((l) => l.productId), lines.map((l) => l.firstOfProduct),
    lines.map((l) => l.quantity), lines.map((l) => l.unitPrice),
  ]);
  return row?.inserted ?? 0;
};
