import { columnList, type TableDefinition } from '../duckdb/table-definition.ts';
import { CUSTOMER_FACT, ORDER_LINE, PRODUCT_FACT } from '../star/star-tables.ts';

/** A view that a query process makes before it locks itself. */
export interface StarView {
  readonly name: string;
  readonly sql: string;
}

/** A path as a SQL text: a view takes no parameters. Paths are ours (tenant names are a-z, 0-9 and "-"). */
const sqlText = (text: string): string => `'${text.replaceAll('\'', '\'\'')}'`;

/** Typed even when nothing has been published yet, so that a query means the same on an empty shop. */
const over = (table: TableDefinition, files: readonly string[]): string =>
  (files.length === 0
    ? `select ${table.columns.map(([name, type]) => `cast(null as ${type.toString()}) as ${name}`).join(', ')} where false`
    : `select ${columnList(table)} from read_parquet([${files.map(sqlText).join(', ')}], hive_partitioning = false)`);

/** Latest first; ties by log and position, so that the order in which logs were loaded doesn't show. */
const LATEST = 'row(ts, log, position)';

/** The price in force at `now` is the last to take effect; one announced for later is not in force yet. */
const IN_FORCE = 'row(coalesce(valid_from, ts), ts, log, position)';
const inForce = (now: Date): string => `price is not null and (valid_from is null or valid_from <= timestamp '${now.toISOString().slice(0, -1)}')`;

/** A product or customer that only orders name is a member too: a join with its dimension loses no revenue. */
const product = (now: Date): string => `select product_id,
  max_by(name, ${LATEST}) filter (where fact = 'listed') as name,
  max_by(category, ${LATEST}) filter (where fact = 'listed') as category,
  max_by(price, ${IN_FORCE}) filter (where ${inForce(now)}) as list_price,
  max_by(currency, ${IN_FORCE}) filter (where ${inForce(now)}) as currency,
  max_by(fact, ${LATEST}) filter (where fact <> 'priced') as status,
  min(ts) filter (where fact = 'listed') as listed_at,
  case max_by(fact, ${LATEST}) filter (where fact <> 'priced') when 'retired' then max(ts) filter (where fact = 'retired') end as retired_at
from product_fact group by product_id
union all
select product_id, max_by(description, row(ts, log, position, line_no)), null, null, null, null, null, null from order_line anti join product_fact using (product_id) group by product_id`;

const productPrice = (now: Date): string => `select product_id, currency, max_by(price, ${IN_FORCE}) as price, max(coalesce(valid_from, ts)) as valid_from
from product_fact where ${inForce(now)} group by product_id, currency`;

const CUSTOMER = `select customer_ref,
  max_by(country, ${LATEST}) as country,
  min(ts) filter (where fact = 'registered') as registered_at
from customer_fact group by customer_ref
union all
select customer_ref, max_by(country, ${LATEST}), null from order_line anti join customer_fact using (customer_ref) where customer_ref is not null group by customer_ref`;

/** Every day that an event's time may have: intake accepts from 1990. */
const DATE = `select cast(d as date) as date_key, cast(year(d) as integer) as year, cast(quarter(d) as integer) as quarter, cast(month(d) as integer) as month,
  strftime(d, '%Y-%m') as year_month, cast(day(d) as integer) as day, cast(isodow(d) as integer) as iso_weekday, dayname(d) as day_name, strftime(d, '%G-W%V') as iso_week
from range(timestamp '1990-01-01', timestamp '2050-01-01', interval 1 day) t(d)`;

/** What users may name in FROM. */
export const STAR_VIEWS = ['order_line', 'product', 'product_price', 'customer', 'date', 'product_fact', 'customer_fact'] as const;

/** `filesOf` answers the absolute paths of a table's published files; prices are those in force at `now`. */
export const starViews = (filesOf: (table: string) => readonly string[], now: Date): StarView[] => [
  ...[ORDER_LINE, PRODUCT_FACT, CUSTOMER_FACT].map((table) => ({ name: table.name, sql: over(table, filesOf(table.name)) })),
  { name: 'product', sql: product(now) },
  { name: 'product_price', sql: productPrice(now) },
  { name: 'customer', sql: CUSTOMER },
  { name: 'date', sql: DATE },
];
