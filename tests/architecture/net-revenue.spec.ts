import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ProjectionBuilds } from '@millrace/event-sourcing';
import { formatDecimal } from '@millrace/kernel';
import { freshDatabase, type TestDatabase } from '@millrace/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { openAnalyticsDatabase } from '../../apps/analytics/src/analytics-database.ts';
import { answerQuestion } from '../../apps/analytics/src/metrics/metric.query.ts';
import { parseQuestion } from '../../apps/analytics/src/metrics/question.model.ts';
import { SALES_VERSIONS } from '../../apps/analytics/src/sales/sales-facts.ts';
import { noLogs } from '../../apps/analytics/src/sales/sample-orders.ts';
import { batchOf, order, storedLogs, type SampleEvent } from '../../apps/warehouse/src/fixtures/sample-log.ts';
import { SampleWarehouse } from '../../apps/warehouse/src/fixtures/sample-warehouse.ts';
import { plain } from '../e2e/sales-reference.ts';

const KINDS = ['product', 'postage', 'bank-charge', 'manual', 'fee', 'discount', 'adjustment', 'sample', 'other'];
const at = '2026-01-15T10:00:00Z';

/** Every kind of line on every type of sales event, for every reason; each line's amount is a power of two, so that a sum names its lines. */
const events = (): SampleEvent[] => {
  let units = 1n;
  const lines = () => KINDS.map((kind) => { units *= 2n; return ['p1', 1, formatDecimal({ units, scale: 6 }), kind] as const; });
  return [
    order('placed', 'placed', at, lines()), order('cancelled', 'cancelled', at, lines(), { reason: 'bad-debt' }), order('returned', 'returned', at, lines()),
    ...[{ reason: 'bad-debt' }, { reason: 'price-correction' }, {}].map((rest, n) => order('adjusted', `adjusted${n}`, at, lines(), rest)),
    ...['sales.payment.captured', 'sales.payment.failed', 'sales.refund.issued'].map((type) => ({ type, id: type, time: at, data: { orderId: 'placed', amount: '5', currency: 'EUR' } })),
  ];
};

/** The SQL under a heading of the guide. */
const guideSql = async (heading: string): Promise<string> => {
  const text = await readFile(new URL('../../docs/guides/warehouse-sql.md', import.meta.url), 'utf8');
  return new RegExp(`^### ${heading}\\n[^#]*?\`\`\`sql\\n([\\s\\S]+?)\`\`\``, 'm').exec(text)?.[1] ?? '';
};

let readModels: TestDatabase;
let database: DataSource;
let warehouse: SampleWarehouse;
beforeAll(async () => {
  readModels = await freshDatabase();
  [database, warehouse] = await Promise.all([openAnalyticsDatabase(readModels.url), SampleWarehouse.open()]);
});
afterAll(async () => {
  await Promise.all([database.destroy(), warehouse.remove()]);
  await readModels.drop();
});

it('net revenue is the same by the metric and by the SQL of the guide, over every kind of line of every sales event', async () => {
  const stored = storedLogs('shop', events()).get('sales/0') ?? [];
  await new ProjectionBuilds<EntityManager>({ live: database, aside: database, reader: noLogs, projections: SALES_VERSIONS }).handler().apply(batchOf(stored));
  await warehouse.loadLog(stored);
  const metric = await answerQuestion(database, parseQuestion('revenue.net', { tenant: 'shop' }));
  const sql = await warehouse.ask(await guideSql('Net revenue'));
  expect([sql.asOf, sql.parked]).toEqual([metric.asOf, metric.parked]);
  expect(sql.rows.map(({ currency, value }) => [currency, value])).toEqual(metric.rows.map(({ currency, value }) => [currency, plain(String(value))]));
  expect([...new Set(metric.exclusions?.map(({ kind, reason }) => reason ?? kind))].toSorted()).toEqual(['bad-debt', 'bank-charge', 'manual', 'postage']);
});
