import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProjectionBuilds } from '@millrace/event-sourcing';
import { readOnlineRetail } from '@millrace/intake';
import { addDecimal, formatDecimal, parseDecimal, ZERO, type StoredEvent } from '@millrace/kernel';
import { dataSet, freshDatabase, type TestDatabase } from '@millrace/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { openAnalyticsDatabase } from './analytics-database.ts';
import { readKpis } from './live/kpi.query.ts';
import { answerQuestion, type MetricAnswer } from './metrics/metric.query.ts';
import { parseQuestion, type QuestionParameters } from './metrics/question.model.ts';
import { noLogs, storedEvent } from './sales/sample-orders.ts';
import { SALES_VERSIONS } from './sales/sales-facts.ts';

interface Expected {
  readonly clean_sales: { readonly rows: number; readonly customers: number; readonly revenue: string };
  readonly gross_revenue_all_lines: string;
  readonly rows: number;
  readonly monthly_revenue_all_lines: Readonly<Record<string, string>>;
  readonly top10_customers_clean: readonly (readonly [string, string])[];
  readonly top10_countries_clean: readonly (readonly [string, string])[];
  readonly top10_products_qty_clean: readonly (readonly [string, number])[];
  readonly cohort_active_customers_clean: Readonly<Record<string, readonly number[]>>;
}

const BATCH = 500;

/** What security would answer for a customer's number, made up. */
const refOf = (number: string): string => `sub_${number.padStart(32, '0')}`;

/** The file's sales events as they would come out of the log: in its order, the customer by reference. */
const storedSales = async function* (tenant: string, file: string): AsyncGenerator<StoredEvent> {
  let position = 0;
  for (const event of (await readOnlineRetail(file)).events()) {
    if (!event.type.startsWith('sales.')) continue;
    position += 1;
    const { customer, ...rest } = event.data as { customer?: { number: string } };
    const data = { ...rest, ...(customer === undefined ? {} : { customer: { ref: refOf(customer.number) } }) };
    const { stored } = storedEvent(tenant, position, event.type, event.id, event.time ?? '', {}, 'online-retail');
    yield { ...stored, data: Buffer.from(JSON.stringify(data)) };
  }
};

/** Through the runner that runs in production. */
const importFile = async (database: DataSource, tenant: string, file: string): Promise<void> => {
  const runner = new ProjectionBuilds<EntityManager>({ live: database, aside: database, reader: noLogs, projections: SALES_VERSIONS }).handler();
  let events: StoredEvent[] = [];
  const flush = async (): Promise<void> => {
    const last = events.at(-1);
    if (last !== undefined) await runner.apply({ log: { tenant, context: 'sales', shard: 0 }, events, mark: { epoch: 1, position: last.position, leaf: last.leaf } });
    events = [];
  };
  for await (const event of storedSales(tenant, file)) {
    events.push(event);
    if (events.length === BATCH) await flush();
  }
  await flush();
};

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

const ask = (tenant: string, metric: string, parameters: QuestionParameters = {}): Promise<MetricAnswer> => answerQuestion(database, parseQuestion(metric, { tenant, ...parameters }));

it('takes a file of the same form to the numbers worked out by hand', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-reference-'));
  const file = join(dir, 'retail.csv');
  await writeFile(file, `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,LANTERN,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.00,17850,United Kingdom
536366,85123A,LANTERN,10,2010-12-02 09:00:00,2.1,,France
C536379,85123A,LANTERN,-2,2011-01-03 09:41:00,2.55,17850,United Kingdom
A563185,B,Adjust bad debt,1,2011-01-04 14:50:00,-11062.06,,United Kingdom
536400,71053,"LANTERN, METAL",3,2011-01-05 10:00:00,3.39,17850,United Kingdom
`);
  await importFile(database, 'small', file);
  await rm(dir, { recursive: true });
  // 15.30 + 18.00 + 21.0 - 5.10 - 11062.06 + 10.17
  expect(await ask('small', 'revenue.gross')).toMatchObject({ rows: [{ currency: 'GBP', value: '-11002.69' }], facts: 6, events: 5 });
  expect(await ask('small', 'revenue.net')).toMatchObject({ rows: [{ value: '41.37' }], exclusions: [{ code: 'B', kind: 'adjustment', value: '-11062.06' }, { code: 'POST', kind: 'postage', value: '18.00' }] });
  expect(await ask('small', 'revenue.clean')).toMatchObject({ rows: [{ value: '43.47' }], facts: 3 });
  expect((await ask('small', 'cohort.retention')).rows).toEqual([{ cohort: '2010-12', monthsSince: 0, value: '1' }, { cohort: '2010-12', monthsSince: 1, value: '1' }]);
});

const folder = dataSet('online-retail');

/** Half a million lines; dataSet() has said on standard error when they are not there to be checked. */
const checkReference = (dir: string): void => {
  const tenant = 'shop';
  let expected: Expected;
  beforeAll(async () => {
    expected = JSON.parse(await readFile(join(dir, 'expected.json'), 'utf8'));
    const started = performance.now();
    await importFile(database, tenant, join(dir, 'online_retail.csv.gz'));
    process.stderr.write(`online-retail: ${expected.rows} lines read, mapped and folded in ${Math.round(performance.now() - started)} ms\n`);
  }, 180_000);

  const pairs = async (metric: string, by: string, limit: number): Promise<unknown[]> => (await ask(tenant, metric, { by, limit: String(limit) })).rows.map((row) => [row[by], row['value']]);

  it('sums to the gross revenue of all lines, as of the last event', async () => {
    expect(await ask(tenant, 'revenue.gross')).toMatchObject({ rows: [{ currency: 'GBP', value: expected.gross_revenue_all_lines }], facts: expected.rows, events: 25_900, asOf: { 'sales/0': 25_900 } });
  });

  it('has the monthly series', async () => {
    expect(Object.fromEntries((await ask(tenant, 'revenue.gross', { by: 'month' })).rows.map((row) => [row['month'], row['value']]))).toEqual(expected.monthly_revenue_all_lines);
  });

  it('sums to the clean revenue, from its lines and customers', async () => {
    expect(await ask(tenant, 'revenue.clean')).toMatchObject({ rows: [{ currency: 'GBP', value: expected.clean_sales.revenue }], facts: expected.clean_sales.rows });
    expect((await ask(tenant, 'buyers')).rows).toEqual([{ value: String(expected.clean_sales.customers) }]);
  });

  it('has the top ten of countries, products and customers', async () => {
    expect(await pairs('revenue.clean', 'country', 10)).toEqual(expected.top10_countries_clean);
    expect(await pairs('units', 'product', 10)).toEqual(expected.top10_products_qty_clean.map(([product, quantity]) => [product, String(quantity)]));
    expect(await pairs('revenue.clean', 'customer', 10)).toEqual(expected.top10_customers_clean.map(([number, value]) => [refOf(number), value]));
  });

  it('counts the lines of cancellations', async () => {
    expect(await ask(tenant, 'cancellation.lines')).toMatchObject({ rows: [{ value: '9288' }], events: 3836 });
    expect((await ask(tenant, 'orders')).rows).toEqual([{ value: String(25_900 - 3836 - 3) }]);
  });

  it('has the whole cohort table', async () => {
    const table: Record<string, number[]> = {};
    for (const row of (await ask(tenant, 'cohort.retention', { by: 'cohort' })).rows) (table[String(row['cohort'])] ??= [])[Number(row['monthsSince'])] = Number(row['value']);
    expect(table).toEqual(expected.cohort_active_customers_clean);
  });

  it('tells gross as net and what net leaves out', async () => {
    const net = await ask(tenant, 'revenue.net');
    const parts = [String(net.rows[0]?.['value']), ...(net.exclusions ?? []).map((exclusion) => exclusion.value)];
    expect(formatDecimal(parts.map(parseDecimal).reduce(addDecimal, ZERO))).toBe(expected.gross_revenue_all_lines);
    expect(net.exclusions?.map((exclusion) => `${exclusion.code} ${exclusion.kind}`)).toEqual(expect.arrayContaining(['B adjustment', 'POST postage', 'BANK CHARGES bank-charge', 'M manual']));
  });

  it('has live KPIs that equal the metrics', async () => {
    expect(await readKpis(database, tenant)).toMatchObject({ kpis: [{ currency: 'GBP', gross: expected.gross_revenue_all_lines, clean: expected.clean_sales.revenue, lines: expected.rows, orders: 22_061, buyers: expected.clean_sales.customers }] });
  });
};

if (folder !== undefined) describe('the Online Retail file', () => { checkReference(folder); });
