import { logName, type LogKey } from '@millrace/kernel';
import type { EntityManager } from 'typeorm';

/** What INSERT_FACTS adds up as it goes, made again from the facts that are left: the same columns by the same rules. */
const REBUILD_HOURLY = `
insert into hourly_sales (tenant, hour, source, currency, lines, gross, clean_lines, clean, units, cancelled_lines, orders)
select $1, hour, source, currency, sum(lines), sum(gross), sum(clean_lines), sum(clean), sum(units), sum(cancelled_lines), sum(orders)
from (
  select date_trunc('hour', l.time, 'UTC') as hour, l.source, l.currency, 1 as lines, l.amount as gross, c.is_clean::int as clean_lines,
    case when c.is_clean then l.amount else 0 end as clean, case when c.is_clean then l.quantity else 0 end as units,
    (l.fact = 'cancelled')::int as cancelled_lines, 0 as orders
  from order_line_fact l cross join lateral (select l.customer_ref is not null and l.quantity > 0 and l.unit_price > 0 as is_clean) c
  where l.tenant = $1
  union all
  select date_trunc('hour', time, 'UTC'), source, currency, 0, 0, 0, 0, 0, 0, 1 from order_fact where tenant = $1 and fact = 'placed'
) part group by hour, source, currency`;

const REBUILD_BUYERS = `
insert into buyer (tenant, currency, customer_ref)
select distinct tenant, currency, customer_ref from order_line_fact
where tenant = $1 and customer_ref is not null and quantity > 0 and unit_price > 0`;

/**
 * Removes every trace of a log from the read model, in the caller's transaction: its facts, and its part of rollup and buyers, which other logs
 * of the tenant share and which are therefore made again from the facts that stay. Writers of the tenant's other logs wait meanwhile.
 */
export const removeFacts = async (manager: EntityManager, log: LogKey): Promise<void> => {
  // Rollup and buyers are read from facts that must not grow in between.
  await manager.query('lock table order_fact, order_line_fact, hourly_sales, buyer in share row exclusive mode');
  await manager.query('delete from order_line_fact where tenant = $1 and log = $2', [log.tenant, logName(log)]);
  await manager.query('delete from order_fact where tenant = $1 and log = $2', [log.tenant, logName(log)]);
  await manager.query('delete from hourly_sales where tenant = $1', [log.tenant]);
  await manager.query('delete from buyer where tenant = $1', [log.tenant]);
  await manager.query(REBUILD_HOURLY, [log.tenant]);
  await manager.query(REBUILD_BUYERS, [log.tenant]);
};
