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

const PRODUCT = `select product_id,
  max_by(name, ${LATEST}) filter (where fact = 'listed') as name,
  max_by(category, ${LATEST}) filter (where fact = 'listed') as category,
  max_by(price, ${LATEST}) as list_price,
  max_by(currency, ${LATEST}) filter (where price is not null) as currency,
  case max_by(fact, ${LATEST}) filter (where fact <> 'priced') when 'retired' then 'retired' when 'listed' then 'listed' end as status,
  min(ts) filter (where fact = 'listed') as listed_at,
  max(ts) filter (where fact = 'retired') as retired_at
from product_fact group by product_id`;

const CUSTOMER = `select customer_ref,
  max_by(country, ${LATEST}) as country,
  min(ts) filter (where fact = 'registered') as registered_at
from customer_fact group by customer_ref`;

/** Every day that an event's time may have: intake accepts from 1990. */
const DATE = `select cast(d as date) as date_key, cast(year(d) as integer) as year, cast(quarter(d) as integer) as quarter, cast(month(d) as integer) as month,
  strftime(d, '%Y-%m') as year_month, cast(day(d) as integer) as day, cast(isodow(d) as integer) as iso_weekday, dayname(d) as day_name, strftime(d, '%G-W%V') as iso_week
from range(timestamp '1990-01-01', timestamp '2050-01-01', interval 1 day) t(d)`;

/** What users may name in FROM. */
export const STAR_VIEWS = ['order_line', 'product', 'customer', 'date', 'product_fact', 'customer_fact'] as const;

/** `filesOf` answers the absolute paths of a table's published files. */
export const starViews = (filesOf: (table: string) => readonly string[]): StarView[] => [
  ...[ORDER_LINE, PRODUCT_FACT, CUSTOMER_FACT].map((table) => ({ name: table.name, sql: over(table, filesOf(table.name)) })),
  { name: 'product', sql: PRODUCT },
  { name: 'customer', sql: CUSTOMER },
  { name: 'date', sql: DATE },
];
