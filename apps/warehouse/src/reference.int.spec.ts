import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOnlineRetail } from '@millrace/intake';
import { dataSet } from '@millrace/testing';
import type { SampleEvent } from './fixtures/sample-log.ts';
import { SampleWarehouse } from './fixtures/sample-warehouse.ts';

interface Expected {
  readonly clean_sales: { readonly rows: number; readonly customers: number; readonly invoices: number; readonly revenue: string };
  readonly gross_revenue_all_lines: string;
  readonly rows: number;
  readonly invoices: number;
  readonly stock_codes: number;
  readonly customers: number;
  readonly countries: number;
  readonly cancellation_lines_C: number;
  readonly adjust_bad_debt_lines_A: number;
  readonly monthly_revenue_all_lines: Readonly<Record<string, string>>;
  readonly top10_customers_clean: readonly (readonly [string, string])[];
  readonly top10_countries_clean: readonly (readonly [string, string])[];
  readonly top10_products_qty_clean: readonly (readonly [string, number])[];
  readonly cohort_active_customers_clean: Readonly<Record<string, readonly number[]>>;
}

/** What security would answer for a customer's number, made up. */
const refOf = (number: string): string => `sub_${number.padStart(32, '0')}`;

/** The file's events as they would be stored: the customer by reference. */
const storedEvents = async function* (file: string): AsyncGenerator<SampleEvent> {
  for (const { type, id, time, data } of (await readOnlineRetail(file)).events()) {
    const { customer, ...rest } = data as { customer?: { number: string } };
    yield { type, id, time: time ?? '', via: 'online-retail', data: { ...rest, ...(customer === undefined ? {} : { customer: { ref: refOf(customer.number) } }) } };
  }
};

/** The examples of docs/guides/warehouse-sql.md by the words above them: what the guide says is what is checked here. */
const guide = async (): Promise<Map<string, string>> => {
  const text = await readFile(new URL('../../../docs/guides/warehouse-sql.md', import.meta.url), 'utf8');
  return new Map([...text.matchAll(/^### (.+)\n[^#]*?```sql\n([\s\S]+?)```/gm)].map((match) => [match[1] ?? '', match[2] ?? '']));
};

const folder = dataSet('online-retail');
const plain = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

/** Half a million lines; dataSet() has said on standard error when they are not there to be checked. The sample shop is checked always. */
const checkReference = (dir: string): void => {
  let warehouse: SampleWarehouse;
  let expected: Expected;
  let examples: Map<string, string>;

  beforeAll(async () => {
    expected = JSON.parse(await readFile(join(dir, 'expected.json'), 'utf8'));
    examples = await guide();
    warehouse = await SampleWarehouse.open();
    const events: SampleEvent[] = [];
    for await (const event of storedEvents(join(dir, 'online_retail.csv.gz'))) events.push(event);
    const started = performance.now();
    await warehouse.load('shop', events, 1000);
    process.stderr.write(`online-retail: ${expected.rows} lines loaded into lake and star in ${Math.round(performance.now() - started)} ms\n`);
  }, 180_000);
  afterAll(() => warehouse.remove());

  const example = (title: string) => warehouse.rows(examples.get(title) ?? `no example "${title}"`);
  const pairs = async (title: string, key: string): Promise<unknown[]> => (await example(title)).map((row) => [row[key], row['value']]);

  it('sums to the gross revenue of all lines, as of the last event of every log', async () => {
    const answer = await warehouse.ask('select sum(amount) as value, count(*) as lines, count(distinct order_id) as invoices, count(distinct country) as countries from order_line');
    expect(answer.rows).toEqual([{ value: expected.gross_revenue_all_lines, lines: expected.rows, invoices: expected.invoices, countries: expected.countries }]);
    expect(answer.asOf).toEqual({ 'sales/0': expected.invoices, 'merchandise/0': expected.stock_codes, 'customer/0': expect.any(Number) });
    expect((await example('Gross revenue')).map((row) => [row['currency'], row['value']])).toEqual([['GBP', expected.gross_revenue_all_lines]]);
  });

  it('has the monthly series', async () => {
    expect(Object.fromEntries((await example('Gross revenue by month')).map((row) => [row['month'], row['value']]))).toEqual(expected.monthly_revenue_all_lines);
  });

  it('sums to the clean revenue, from its lines, orders and customers', async () => {
    const { revenue, rows, customers } = expected.clean_sales;
    expect(await example('Clean revenue')).toEqual([{ currency: 'GBP', value: revenue, lines: rows, customers }]);
  });

  it('has the top ten of countries, products and customers', async () => {
    const top = (list: readonly (readonly [string, string | number])[]): unknown[] => list.map(([key, value]) => [key, plain(String(value))]);
    expect(await pairs('Top ten countries', 'country')).toEqual(top(expected.top10_countries_clean));
    expect(await pairs('Top ten products by units', 'product_id')).toEqual(top(expected.top10_products_qty_clean));
    expect(await pairs('Top ten customers', 'customer_ref')).toEqual(top(expected.top10_customers_clean.map(([number, value]) => [refOf(number), value])));
  });

  it('counts the lines of cancellations and adjustments', async () => {
    expect(await example('Lines by kind of billing')).toEqual(expect.arrayContaining([
      expect.objectContaining({ billing: 'cancelled', lines: expected.cancellation_lines_C }), expect.objectContaining({ billing: 'adjusted', lines: expected.adjust_bad_debt_lines_A })]));
  });

  it('has the whole cohort table', async () => {
    const table: Record<string, number[]> = {};
    for (const { cohort, months, value } of await example('Cohorts')) (table[`${cohort as string}`] ??= [])[Number(months)] = Number(value);
    expect(table).toEqual(expected.cohort_active_customers_clean);
  });

  it('has every product and customer once', async () => {
    expect(await warehouse.rows('select count(*) as n, count(distinct product_id) as d from product')).toEqual([{ n: expected.stock_codes, d: expected.stock_codes }]);
    expect(await warehouse.rows('select count(*) as n, count(registered_at) as registered from customer')).toEqual([{ n: expected.customers, registered: expected.customers }]);
    expect(await warehouse.rows('select count(*) as n from order_line left join product using (product_id) left join customer using (customer_ref) left join date using (date_key) where product.product_id is null or date.date_key is null')).toEqual([{ n: 0 }]);
  });

  it('runs every example of the guide', async () => {
    expect(examples.size).toBeGreaterThanOrEqual(9);
    for (const title of examples.keys()) expect([title, (await example(title)).length > 0]).toEqual([title, true]);
  });

  it('bounds what is asked of it', async () => {
    await expect(warehouse.ask('select * from order_line')).rejects.toMatchObject({ status: 422, code: 'query-result-too-large' });
    expect((await warehouse.ask('select position from order_line limit 20000', 'shop', 20_000)).rows).toHaveLength(20_000);
  });
};

if (folder !== undefined) describe('the Online Retail file', () => { checkReference(folder); });

it('finds the examples of the guide', async () => {
  expect((await guide()).size).toBeGreaterThanOrEqual(9);
});
