import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addDecimal, formatDecimal, multiplyDecimal, parseDecimal, ZERO, type Decimal } from '@millrace/kernel';
import { freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { openAnalyticsDatabase } from '../analytics-database.ts';
import { readKpis } from '../live/kpi.query.ts';
import { insertFacts } from '../sales/fact-insert.ts';
import { orderEvent, type SampleOrder } from '../sales/sample-orders.ts';
import type { SalesFact, SalesLine } from '../sales/sales-fact.model.ts';
import { salesFactOf } from '../sales/sales-facts.projection.ts';
import { answerQuestion, type MetricRow } from './metric.query.ts';
import { parseQuestion, type QuestionParameters } from './question.model.ts';

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

const order: fc.Arbitrary<Omit<SampleOrder, 'id'>> = fc.record({
  fact: fc.constantFrom('placed', 'placed', 'cancelled', 'returned', 'adjusted'),
  at: fc.integer({ min: 0, max: 200 }).map((days) => new Date(Date.UTC(2026, 0, 1 + days, days % 24)).toISOString()),
  currency: fc.constantFrom('EUR', 'GBP'), source: fc.constantFrom('web', 'till'), country: fc.option(fc.constantFrom('DE', 'AT'), { nil: undefined }),
  customer: fc.option(fc.constantFrom('sub_a', 'sub_b', 'sub_c', 'sub_d'), { nil: undefined }), reason: fc.option(fc.constantFrom('bad-debt', 'price-correction'), { nil: undefined }),
  lines: fc.array(fc.tuple(fc.constantFrom('p1', 'p2', 'POST'), fc.integer({ min: -3, max: 9 }), fc.constantFrom('0', '1.10', '2.555', '-3'), fc.constantFrom('product', 'postage', 'manual', 'adjustment')), { minLength: 1, maxLength: 4 }),
});

type Line = SalesLine & { readonly of: SalesFact };
type Key = (line: Line) => string;

const amountOf = (line: Line): Decimal => multiplyDecimal(parseDecimal(line.quantity), parseDecimal(line.unitPrice));
const isClean = ({ of, quantity, unitPrice }: Line): boolean => of.customerRef !== null && parseDecimal(quantity).units > 0n && parseDecimal(unitPrice).units > 0n;
const sumOf = (lines: readonly Line[]): string => formatDecimal(lines.map(amountOf).reduce(addDecimal, ZERO));

const KEYS: Readonly<Record<string, Key>> = {
  month: (line) => line.time.slice(0, 7), day: (line) => line.time.slice(0, 10), hour: (line) => line.time.slice(0, 13),
  country: (line) => line.of.country ?? 'none', product: (line) => line.productId, customer: (line) => line.of.customerRef ?? 'none', source: (line) => line.of.source, currency: (line) => line.of.currency,
};
/** The metrics over lines, told a second time over plain facts. */
const METRICS_AGAIN: Readonly<Record<string, { readonly money: boolean; readonly only: (line: Line) => boolean; readonly value: (lines: readonly Line[]) => string }>> = {
  'revenue.gross': { money: true, only: () => true, value: sumOf },
  'revenue.net': { money: true, only: (line) => !['postage', 'manual'].includes(line.kind) && !(line.of.fact === 'adjusted' && (line.of.reason === null ? line.kind === 'adjustment' : line.of.reason === 'bad-debt')), value: sumOf },
  'revenue.clean': { money: true, only: isClean, value: sumOf },
  'cancellation.lines': { money: false, only: (line) => line.of.fact === 'cancelled', value: (lines) => String(lines.length) },
  units: { money: false, only: isClean, value: (lines) => String(lines.reduce((sum, line) => sum + Number(line.quantity), 0)) },
  buyers: { money: false, only: isClean, value: (lines) => String(new Set(lines.map((line) => line.of.customerRef)).size) },
};

const groupsOf = (lines: readonly Line[], key: Key): Map<string, Line[]> => {
  const groups = new Map<string, Line[]>();
  for (const line of lines) groups.set(key(line), [...(groups.get(key(line)) ?? []), line]);
  return groups;
};

const storeShop = async (orders: readonly Omit<SampleOrder, 'id'>[]): Promise<{ tenant: string; lines: Line[]; facts: SalesFact[] }> => {
  const tenant = uniqueTenant();
  const facts = orders.map((one, index) => orderEvent(tenant, index + 1, { ...one, id: String(index) })).flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []);
  await database.transaction((manager) => insertFacts(manager, { tenant, context: 'sales', shard: 0 }, facts));
  return { tenant, facts, lines: facts.flatMap((of) => of.lines.map((line) => ({ ...line, of }))) };
};

const rowsOf = async (tenant: string, metric: string, parameters: QuestionParameters): Promise<readonly MetricRow[]> => (await answerQuestion(database, parseQuestion(metric, { tenant, ...parameters }))).rows;

const shop = fc.array(order, { minLength: 1, maxLength: 30 });

describe('a metric asked in SQL', () => {
  it('equals the fold of the facts, by every dimension', async () => {
    await fc.assert(fc.asyncProperty(shop, fc.constantFrom(...Object.keys(METRICS_AGAIN)), fc.constantFrom(...Object.keys(KEYS)), async (orders, id, by) => {
      const { tenant, lines } = await storeShop(orders);
      const { money, only, value } = METRICS_AGAIN[id]!;
      const key: Key = (line) => [KEYS[by]!(line), ...(money ? [line.of.currency] : [])].join(' ');
      const expected = Object.fromEntries([...groupsOf(lines.filter(only), key)].map(([group, members]) => [group, value(members)]));
      const rows = await rowsOf(tenant, id, { by });
      expect(Object.fromEntries(rows.map((row) => [[row[by], ...(money ? [row['currency']] : [])].join(' '), row['value']]))).toEqual(expected);
    }), { numRuns: 60 });
  });

  it('equals the fold of the facts that a filter and a range leave', async () => {
    await fc.assert(fc.asyncProperty(shop, fc.constantFrom('source', 'country', 'product', 'customer', 'currency', 'month', 'day', 'hour'), fc.nat(), fc.nat(200), async (orders, filter, which, days) => {
      const { tenant, lines } = await storeShop(orders);
      const value = KEYS[filter]!(lines[which % lines.length]!);
      const to = new Date(Date.UTC(2026, 0, 1 + days)).toISOString();
      const left = lines.filter((line) => KEYS[filter]!(line) === value && line.time < to);
      const expected = Object.fromEntries([...groupsOf(left, (line) => line.of.currency)].map(([currency, members]) => [currency, sumOf(members)]));
      const rows = await rowsOf(tenant, 'revenue.gross', { where: `${filter}=${value}`, to });
      expect(Object.fromEntries(rows.map((row) => [row['currency'], row['value']]))).toEqual(expected);
    }), { numRuns: 60 });
  });

  it('counts orders by product as often as there are products on them', async () => {
    await fc.assert(fc.asyncProperty(shop, async (orders) => {
      const { tenant, facts } = await storeShop(orders);
      const placed = facts.filter((fact) => fact.fact === 'placed');
      const expected: Record<string, number> = {};
      for (const fact of placed) for (const product of new Set(fact.lines.map((line) => line.productId))) expected[product] = (expected[product] ?? 0) + 1;
      expect(Object.fromEntries((await rowsOf(tenant, 'orders', { by: 'product' })).map((row) => [row['product'], Number(row['value'])]))).toEqual(expected);
      expect(await rowsOf(tenant, 'orders', { where: Object.keys(expected).map((product) => `product=${product}`) })).toEqual([{ value: String(placed.length) }]);
    }), { numRuns: 20 });
  });

  it('gives the cohort table of the facts', async () => {
    const monthOf = (time: string): number => Number(time.slice(0, 4)) * 12 + Number(time.slice(5, 7)) - 1;
    await fc.assert(fc.asyncProperty(shop, async (orders) => {
      const { tenant, lines } = await storeShop(orders);
      const expected: Record<string, number> = {};
      for (const [, bought] of groupsOf(lines.filter(isClean), KEYS['customer']!)) {
        const first = bought.map((line) => line.time).toSorted()[0]!;
        for (const month of new Set(bought.map((line) => monthOf(line.time)))) {
          const cell = `${first.slice(0, 7)} ${month - monthOf(first)}`;
          expected[cell] = (expected[cell] ?? 0) + 1;
        }
      }
      expect(Object.fromEntries((await rowsOf(tenant, 'cohort.retention', {})).map((row) => [`${row['cohort']} ${row['monthsSince']}`, Number(row['value'])]))).toEqual(expected);
    }), { numRuns: 30 });
  });

  it('is what the live KPIs say', async () => {
    await fc.assert(fc.asyncProperty(shop, async (orders) => {
      const { tenant, lines, facts } = await storeShop(orders);
      const expected = [...groupsOf(lines, (line) => line.of.currency)].toSorted(([a], [b]) => a.localeCompare(b)).map(([currency, members]) => {
        const clean = members.filter(isClean);
        return { currency, gross: sumOf(members), clean: sumOf(clean), units: METRICS_AGAIN['units']!.value(clean), lines: members.length, orders: facts.filter((fact) => fact.fact === 'placed' && fact.currency === currency).length, buyers: Number(METRICS_AGAIN['buyers']!.value(clean)) };
      });
      expect((await readKpis(database, tenant)).kpis).toEqual(expected);
    }), { numRuns: 20 });
  });
});
