import { expect } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { millraceJson } from './platform.ts';
import { plain, topTen, type SalesReference } from './sales-reference.ts';

interface MetricDocument { readonly metric: string; readonly asOf: Readonly<Record<string, number>>; readonly rows: readonly Readonly<Record<string, string>>[] }
interface SqlDocument { readonly asOf: Readonly<Record<string, number>>; readonly rows: readonly Readonly<Record<string, string | number | null>>[] }

const metric = (home: string, id: string, ...args: string[]): Promise<MetricDocument> => millraceJson(home, 'metric', id, ...args);
const sql = (home: string, text: string): Promise<SqlDocument> => millraceJson(home, 'sql', text);

const only = (rows: readonly Readonly<Record<string, string | number | null>>[], key = 'value'): string => plain(String(rows[0]?.[key]));
const pairs = (rows: readonly Readonly<Record<string, string | number | null>>[], key: string): [string, string][] => rows.map((row) => [String(row[key]), plain(String(row['value']))]);
const topOf = (rows: readonly Readonly<Record<string, string | number | null>>[], key: string): [string, string][] => topTen(new Map(pairs(rows, key)));

const CLEAN = 'customer_ref is not null and quantity > 0 and unit_price > 0';

/** Customer numbers of references, through security's audited call. */
const reveal = async (home: string, refs: readonly string[]): Promise<Map<string, string>> => {
  const answer = await millraceJson<{ revealed: { ref: string; value?: string }[] }>(home, 'reveal', ...refs, '--reason', 'reference check of the import');
  return new Map(answer.revealed.map(({ ref, value }) => [ref, value ?? '']));
};

const cohortsIn = (rows: readonly Readonly<Record<string, string | number | null>>[]): Record<string, number[]> => {
  const table: Record<string, number[]> = {};
  for (const row of rows) (table[String(row['cohort'])] ??= [])[Number(row['month'] ?? row['months'] ?? row['monthsSince'])] = Number(row['value']);
  for (const row of Object.values(table)) for (let n = 0; n < row.length; n += 1) row[n] ??= 0;
  return table;
};

const COHORT_SQL = `with clean as (select customer_ref, date_trunc('month', ts) as month from order_line where ${CLEAN}),
  first as (select customer_ref, min(month) as cohort from clean group by customer_ref)
  select strftime(first.cohort, '%Y-%m') as cohort, date_diff('month', first.cohort, clean.month) as months, count(distinct clean.customer_ref) as value
  from clean join first using (customer_ref) group by 1, 2 order by 1, 2`;

/** Every figure of the reference, from analytics and from the warehouse, at one as-of vector. */
export const checkFigures = async (home: string, reference: SalesReference, clean: SalesReference['clean'] = reference.clean): Promise<Record<string, number>> => {
  const gross = await metric(home, 'revenue.gross');
  const grossSql = await sql(home, 'select sum(amount) as value, count(*) as lines from order_line');
  expect(only(gross.rows)).toBe(reference.gross);
  expect(only(grossSql.rows)).toBe(reference.gross);
  expect(Number(grossSql.rows[0]?.['lines'])).toBe(reference.rows);
  const shared = Object.fromEntries(Object.entries(grossSql.asOf).filter(([log]) => log in gross.asOf));
  expect(shared).toEqual(gross.asOf);

  const monthly = await metric(home, 'revenue.gross', '--by', 'month');
  const monthlySql = await sql(home, `select strftime(ts, '%Y-%m') as month, sum(amount) as value from order_line group by 1 order by 1`);
  expect(Object.fromEntries(pairs(monthly.rows, 'month'))).toEqual(reference.monthly);
  expect(Object.fromEntries(pairs(monthlySql.rows, 'month'))).toEqual(reference.monthly);

  const cleanSql = await sql(home, `select sum(amount) as value, count(*) as lines, count(distinct customer_ref) as customers from order_line where ${CLEAN}`);
  expect(only((await metric(home, 'revenue.clean')).rows)).toBe(clean.revenue);
  expect(only((await metric(home, 'buyers')).rows)).toBe(String(clean.customers));
  expect(only(cleanSql.rows)).toBe(clean.revenue);
  expect(Number(cleanSql.rows[0]?.['lines'])).toBe(clean.rows);
  expect(Number(cleanSql.rows[0]?.['customers'])).toBe(clean.customers);
  expect(only((await metric(home, 'cancellation.lines')).rows)).toBe(String(reference.cancellationLines));
  expect(Number((await sql(home, `select count(*) as value from order_line where billing = 'cancelled'`)).rows[0]?.['value'])).toBe(reference.cancellationLines);

  expect(topOf((await metric(home, 'revenue.clean', '--by', 'country')).rows, 'country')).toEqual(topTen(reference.countries));
  expect(topOf((await sql(home, `select country, sum(amount) as value from order_line where ${CLEAN} group by 1`)).rows, 'country')).toEqual(topTen(reference.countries));
  expect(topOf((await metric(home, 'units', '--by', 'product')).rows, 'product')).toEqual(topTen(reference.productUnits));
  expect(topOf((await sql(home, `select product_id, sum(quantity) as value from order_line where ${CLEAN} group by 1`)).rows, 'product_id')).toEqual(topTen(reference.productUnits));
  const customers = topOf((await metric(home, 'revenue.clean', '--by', 'customer')).rows, 'customer');
  const customersSql = topOf((await sql(home, `select customer_ref, sum(amount) as value from order_line where ${CLEAN} group by 1 order by 2 desc limit 10`)).rows, 'customer_ref');
  const numbers = await reveal(home, customers.map(([ref]) => ref));
  expect(customers.map(([ref, value]) => [numbers.get(ref), value])).toEqual(topTen(reference.customers));
  expect(customersSql).toEqual(customers);

  expect(cohortsIn((await metric(home, 'cohort.retention', '--by', 'cohort')).rows)).toEqual(reference.cohorts);
  expect(cohortsIn((await sql(home, COHORT_SQL)).rows)).toEqual(reference.cohorts);
  return gross.asOf;
};

interface Expected {
  readonly gross_revenue_all_lines: string; readonly invoices: number; readonly rows: number; readonly cancellation_lines_C: number;
  readonly clean_sales: { readonly rows: number; readonly customers: number; readonly revenue: string };
  readonly monthly_revenue_all_lines: Readonly<Record<string, string>>;
  readonly top10_customers_clean: readonly [string, string][]; readonly top10_countries_clean: readonly [string, string][]; readonly top10_products_qty_clean: readonly [string, number][];
  readonly cohort_active_customers_clean: Readonly<Record<string, readonly number[]>>;
}

/** The reference computed by the test must itself equal the published figures. */
export const checkReference = async (file: string, reference: SalesReference): Promise<void> => {
  const expected = JSON.parse(await readFile(file, 'utf8')) as Expected;
  const plainPairs = (list: readonly (readonly [string, string | number])[]): [string, string][] => list.map(([key, value]) => [key, plain(String(value))]);
  expect(reference).toMatchObject({ rows: expected.rows, invoices: expected.invoices, gross: plain(expected.gross_revenue_all_lines), cancellationLines: expected.cancellation_lines_C });
  expect(reference.clean).toEqual({ revenue: plain(expected.clean_sales.revenue), rows: expected.clean_sales.rows, customers: expected.clean_sales.customers });
  expect(reference.monthly).toEqual(Object.fromEntries(plainPairs(Object.entries(expected.monthly_revenue_all_lines))));
  expect(topTen(reference.countries)).toEqual(plainPairs(expected.top10_countries_clean));
  expect(topTen(reference.customers)).toEqual(plainPairs(expected.top10_customers_clean));
  expect(topTen(reference.productUnits)).toEqual(plainPairs(expected.top10_products_qty_clean));
  expect(reference.cohorts).toEqual(expected.cohort_active_customers_clean);
};
