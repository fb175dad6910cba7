/** The SQL of a dimension: fixed fragments over the fact alias `f`; times are cut in UTC. */
export interface Dimension {
  readonly group: string;
  readonly label: string;
  /** Rows of a time dimension come in its order; the others by value, largest first. */
  readonly time: boolean;
}

const timeDimension = (unit: 'hour' | 'day' | 'month', pattern: string): Dimension => {
  const group = `date_trunc('${unit}', f.time, 'UTC')`;
  return { group, label: `to_char(${group} at time zone 'UTC', '${pattern}')`, time: true };
};

/** What the value of a missing country or customer is called, in rows and in `where`; one whose text is that is one with it, so that a key comes once. */
export const NONE = 'none';

const textDimension = (group: string): Dimension => ({ group, label: group, time: false });
const optionalDimension = (column: string): Dimension => textDimension(`coalesce(${column}, '${NONE}')`);

export const DIMENSIONS = {
  hour: timeDimension('hour', 'YYYY-MM-DD"T"HH24'),
  day: timeDimension('day', 'YYYY-MM-DD'),
  month: timeDimension('month', 'YYYY-MM'),
  country: optionalDimension('f.country'),
  product: textDimension('f.product_id'),
  customer: optionalDimension('f.customer_ref'),
  source: textDimension('f.source'),
  currency: textDimension('f.currency'),
} as const satisfies Record<string, Dimension>;

export type DimensionId = keyof typeof DIMENSIONS;
/** `cohort` is answered by a query of its own and can't be combined. */
export type Breakdown = DimensionId | 'cohort';

export const LINE_DIMENSIONS: readonly DimensionId[] = ['hour', 'day', 'month', 'country', 'product', 'customer', 'source', 'currency'];
