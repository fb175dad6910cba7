import { BIGINT, DATE, DECIMAL, INTEGER, TIMESTAMP, VARCHAR, type DuckDBType } from '@duckdb/node-api';
import { AMOUNT_DIGITS, type Context } from '@millrace/kernel';
import type { TableDefinition } from '../duckdb/table-definition.ts';

/** As many digits as intake lets in: an event that was stored with more is parked, never rounded. */
export const FACTOR = DECIMAL(AMOUNT_DIGITS.whole + AMOUNT_DIGITS.fraction, AMOUNT_DIGITS.fraction);
/** Holds the product of two factors exactly. */
export const AMOUNT = DECIMAL(38, 2 * AMOUNT_DIGITS.fraction);

/** Every row names the event it comes from; rows are only ever added, so a range of positions never changes once loaded. */
const ORIGIN: readonly (readonly [string, DuckDBType])[] = [
  ['tenant', VARCHAR], ['log', VARCHAR], ['epoch', BIGINT], ['position', BIGINT], ['event_id', VARCHAR], ['source', VARCHAR], ['ts', TIMESTAMP],
];

export interface StarTable extends TableDefinition {
  /** The context whose logs feed it. */
  readonly context: Context;
  /** Columns that name a row. */
  readonly key: readonly string[];
}

/** Times are UTC; `ts` is when the line was placed, which may differ from its order's time. */
export const ORDER_LINE: StarTable = {
  name: 'order_line', context: 'sales', key: ['tenant', 'log', 'epoch', 'position', 'line_no'],
  columns: [
    ...ORIGIN, ['line_no', INTEGER], ['order_id', VARCHAR], ['billing', VARCHAR], ['line_kind', VARCHAR], ['date_key', DATE], ['country', VARCHAR], ['product_id', VARCHAR],
    ['description', VARCHAR], ['customer_ref', VARCHAR], ['quantity', FACTOR], ['unit_price', FACTOR], ['amount', AMOUNT], ['currency', VARCHAR],
    ['reason', VARCHAR],
  ],
};

/** What happened to products; the dimension `product` is the latest of it. */
export const PRODUCT_FACT: StarTable = {
  name: 'product_fact', context: 'merchandise', key: ['tenant', 'log', 'epoch', 'position'],
  columns: [...ORIGIN, ['fact', VARCHAR], ['product_id', VARCHAR], ['name', VARCHAR], ['category', VARCHAR], ['price', FACTOR], ['currency', VARCHAR], ['valid_from', TIMESTAMP]],
};

/** What became known of customers, by reference only. */
export const CUSTOMER_FACT: StarTable = {
  name: 'customer_fact', context: 'customer', key: ['tenant', 'log', 'epoch', 'position'],
  columns: [...ORIGIN, ['fact', VARCHAR], ['customer_ref', VARCHAR], ['country', VARCHAR]],
};

export const STAR_TABLES: readonly StarTable[] = [ORDER_LINE, PRODUCT_FACT, CUSTOMER_FACT];

/** The version of the star's rule: raised when the same events come to other rows. */
export const STAR_VERSION = 2;
