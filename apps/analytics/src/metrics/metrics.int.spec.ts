import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sqlCheckpoints, sqlParked } from '@millrace/event-sourcing';
import { freshDatabase, type TestDatabase } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { openAnalyticsDatabase } from '../analytics-database.ts';
import { insertFacts } from '../sales/fact-insert.ts';
import { orderEvent, SAMPLE_ORDERS } from '../sales/sample-orders.ts';
import { salesFactOf } from '../sales/sales-facts.projection.ts';
import { answerQuestion, type MetricAnswer } from './metric.query.ts';
import { parseQuestion, type QuestionParameters } from './question.model.ts';
import { parsePage, traceQuestion, type Trace } from './trace.query.ts';

let fresh: TestDatabase;
let database: DataSource;
const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const head = { epoch: 1, position: SAMPLE_ORDERS.length, leaf: new Uint8Array(32) };

beforeAll(async () => {
  fresh = await freshDatabase();
  database = await openAnalyticsDatabase(fresh.url);
  const facts = SAMPLE_ORDERS.map((order, index) => orderEvent('shop', index + 1, order)).flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []);
  await database.transaction(async (manager) => {
    await insertFacts(manager, log, facts);
    await insertFacts(manager, { ...log, tenant: 'other' }, facts);
    await sqlCheckpoints(manager, 'sales-facts@1').save(manager, log, head);
  });
});
afterAll(async () => { await database.destroy(); await fresh.drop(); });

const ask = (metric: string, parameters: QuestionParameters = {}): Promise<MetricAnswer> => answerQuestion(database, parseQuestion(metric, { tenant: 'shop', ...parameters }));
const rows = async (metric: string, parameters: QuestionParameters = {}): Promise<MetricAnswer['rows']> => (await ask(metric, parameters)).rows;
const trace = (metric: string, parameters: QuestionParameters, after?: string, limit = 100): Promise<Trace> =>
  traceQuestion(database, parseQuestion(metric, { tenant: 'shop', ...parameters }), parsePage(after, String(limit)));

describe('metrics of the sample shop', () => {
  it.each<[string, MetricAnswer['rows']]>([
    ['revenue.gross', [{ currency: 'EUR', value: '36.010' }, { currency: 'GBP', value: '-11039.56' }]],
    ['revenue.net', [{ currency: 'EUR', value: '31.110' }, { currency: 'GBP', value: '17.50' }]],
    ['revenue.clean', [{ currency: 'EUR', value: '51.565' }, { currency: 'GBP', value: '10.00' }]],
    ['orders', [{ value: '5' }]],
    ['aov', [{ currency: 'EUR', value: '17.188333' }, { currency: 'GBP', value: '11.250000' }]],
    ['cancellation.lines', [{ value: '1' }]],
    ['cancellation.rate', [{ value: '0.083333' }]],
    ['units', [{ value: '13' }]],
    ['buyers', [{ value: '2' }]],
    ['cohort.retention', [{ cohort: '2026-01', monthsSince: 0, value: '2' }, { cohort: '2026-01', monthsSince: 1, value: '1' }, { cohort: '2026-01', monthsSince: 2, value: '1' }]],
  ])('%s', async (metric, expected) => {
    expect(await rows(metric)).toEqual(expected);
  });

  it('names its version, the positions it stands at and how many facts and events are behind it', async () => {
    expect(await ask('revenue.clean')).toMatchObject({ metric: 'revenue.clean', version: 1, unit: 'money', asOf: { 'sales/0': 8 }, facts: 7, events: 4, cut: false });
  });

  it('lists what net leaves out by code, and the list is the difference to gross', async () => {
    expect((await ask('revenue.net')).exclusions).toEqual([
      { code: 'B', kind: 'adjustment', reason: 'bad-debt', currency: 'GBP', lines: 1, value: '-11062.06' },
      { code: 'BANK CHARGES', kind: 'bank-charge', reason: null, currency: 'GBP', lines: 1, value: '2.00' },
      { code: 'M', kind: 'manual', reason: null, currency: 'GBP', lines: 1, value: '3.00' },
      { code: 'POST', kind: 'postage', reason: null, currency: 'EUR', lines: 1, value: '4.90' },
    ]);
  });

  it('breaks down by time in UTC, in order', async () => {
    expect(await rows('revenue.gross', { by: 'month', where: 'currency=EUR' })).toEqual([{ month: '2026-01', currency: 'EUR', value: '41.565' }, { month: '2026-02', currency: 'EUR', value: '-5.555' }]);
    expect(await rows('orders', { by: 'day', to: '2026-02' })).toEqual([{ day: '2026-01-15', value: '1' }, { day: '2026-01-20', value: '2' }]);
    expect(await rows('orders', { by: 'hour', where: 'day=2026-01-20' })).toEqual([{ hour: '2026-01-20T11', value: '2' }]);
  });

  it('breaks down by country, product, customer, source and currency, largest first', async () => {
    expect(await rows('revenue.clean', { by: 'country' })).toEqual([{ country: 'DE', currency: 'EUR', value: '34.90' }, { country: 'AT', currency: 'EUR', value: '16.665' }, { country: 'none', currency: 'GBP', value: '10.00' }]);
    expect((await rows('units', { by: 'product' })).slice(0, 2)).toEqual([{ product: 'p3', value: '4' }, { product: 'p1', value: '3' }]);
    expect(await rows('orders', { by: 'customer' })).toEqual([{ customer: 'sub_a', value: '3' }, { customer: 'none', value: '1' }, { customer: 'sub_b', value: '1' }]);
    expect(await rows('cancellation.lines', { by: 'source' })).toEqual([{ source: 'web', value: '1' }]);
    expect(await rows('buyers', { by: 'currency' })).toEqual([{ currency: 'EUR', value: '2' }, { currency: 'GBP', value: '1' }]);
  });

  it('combines dimensions', async () => {
    expect(await rows('revenue.gross', { by: ['country', 'month'], where: ['source=web', 'currency=EUR', 'month=2026-02'] }))
      .toEqual([{ month: '2026-02', country: 'DE', currency: 'EUR', value: '0.00' }, { month: '2026-02', country: 'AT', currency: 'EUR', value: '-5.555' }]);
  });

  it('takes values of one filter as alternatives and different filters together', async () => {
    expect(await rows('revenue.gross', { where: ['product=p1', 'product=p2', 'country=AT'] })).toEqual([{ currency: 'EUR', value: '11.110' }]);
    expect(await rows('revenue.gross', { where: ['fact=cancelled', 'fact=returned'] })).toEqual([{ currency: 'EUR', value: '-15.555' }]);
    expect(await rows('revenue.gross', { where: ['customer=none', 'kind=product'] })).toEqual([{ currency: 'GBP', value: '12.50' }]);
  });

  it('counts an order once, however many of the asked products are on it', async () => {
    expect(await rows('orders', { where: ['product=p1', 'product=POST'] })).toEqual([{ value: '3' }]);
    expect(await rows('aov', { where: 'product=POST' })).toEqual([{ currency: 'EUR', value: '24.900000' }]);
    expect(await rows('orders', { by: 'product', where: 'currency=EUR' })).toEqual([{ product: 'p1', value: '2' }, { product: 'POST', value: '1' }, { product: 'p2', value: '1' }]);
  });

  it('excludes the end of a range and includes its beginning', async () => {
    expect(await rows('cancellation.lines', { from: '2026-02-01', to: '2026-02-02' })).toEqual([{ value: '1' }]);
    expect(await rows('cancellation.lines', { to: '2026-02-01' })).toEqual([{ value: '0' }]);
  });

  it('bounds the activity of a cohort, not its first purchase', async () => {
    expect(await rows('cohort.retention', { from: '2026-02', to: '2026-03' })).toEqual([{ cohort: '2026-01', monthsSince: 1, value: '1' }]);
    expect(await rows('cohort.retention', { where: 'currency=GBP' })).toEqual([{ cohort: '2026-03', monthsSince: 0, value: '1' }]);
  });

  it('says when there are more rows than asked for', async () => {
    expect(await ask('units', { by: 'product', limit: '1' })).toMatchObject({ rows: [{ product: 'p3', value: '4' }], cut: true });
  });

  it('answers a tenant without events with no rows, zero counts and an empty vector', async () => {
    expect(await ask('revenue.gross', { tenant: 'nobody' })).toMatchObject({ asOf: {}, rows: [], facts: 0, events: 0 });
    expect(await rows('orders', { tenant: 'nobody' })).toEqual([{ value: '0' }]);
    expect(await rows('cancellation.rate', { tenant: 'nobody' })).toEqual([]);
  });

  it('says how many events up to those positions are parked, where any are', async () => {
    expect([await ask('orders'), await trace('orders', {})]).toEqual([expect.not.objectContaining({ parked: expect.anything() }), expect.not.objectContaining({ parked: expect.anything() })]);
    const parked = sqlParked(database, 'sales-facts@1');
    const event = { key: 'k', eventId: 'e', type: 'sales.order.placed', code: 'order-unreadable', reason: 'spec' };
    await database.transaction(async (manager) => {
      for (const position of [9, 10]) await parked.park(manager, log, { ...event, position });
      for (const other of [{ ...log, tenant: 'other' }, { ...log, context: 'customer' as const }]) await parked.park(manager, other, { ...event, position: 1 });
      await sqlParked(manager, 'sales-facts@7').park(manager, log, { ...event, position: 1 });
    });
    expect([(await ask('orders')).parked, (await trace('orders', {})).parked]).toEqual([{ 'sales/0': 2 }, { 'sales/0': 2 }]);
    await database.query('delete from parked_event');
  });

  it('has one row for what has no country and for the country of that name', async () => {
    const facts = ['none', undefined].map((country, index) => orderEvent('nowhere', index + 1, { fact: 'placed', id: String(index), at: '2026-01-01T00:00:00Z', currency: 'EUR', country, customer: country, lines: [['p1', 1, '1.00']] }))
      .flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []);
    await database.transaction((manager) => insertFacts(manager, { ...log, tenant: 'nowhere' }, facts));
    for (const by of ['country', 'customer']) expect(await rows('revenue.gross', { tenant: 'nowhere', by })).toEqual([{ [by]: 'none', currency: 'EUR', value: '2.00' }]);
    expect(await rows('revenue.gross', { tenant: 'nowhere', where: 'country=none' })).toEqual([{ currency: 'EUR', value: '2.00' }]);
  });

  it('leaves out of net what a bad debt adjusts, by its reason or, without one, by its kind, and nothing adjusted for another reason', async () => {
    const adjusted = (id: string, reason: string | undefined, kind: string, price: string) => ({ fact: 'adjusted', id, at: '2026-01-01T00:00:00Z', currency: 'EUR', reason, lines: [['p1', 1, price, kind] as const] });
    const facts = [adjusted('1', 'bad-debt', 'product', '-7'), adjusted('2', 'price-correction', 'adjustment', '-3'), adjusted('3', undefined, 'adjustment', '-0.5'), adjusted('4', 'bad-debt', 'postage', '-1'), adjusted('5', undefined, 'product', '-0.25')]
      .map((order, index) => orderEvent('adjusting', index + 1, order)).flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []);
    await database.transaction((manager) => insertFacts(manager, { ...log, tenant: 'adjusting' }, facts));
    expect(await ask('revenue.net', { tenant: 'adjusting' })).toMatchObject({
      version: 2, rows: [{ currency: 'EUR', value: '-3.25' }],
      exclusions: [{ code: 'p1', kind: 'adjustment', reason: 'bad-debt', value: '-0.5' }, { code: 'p1', kind: 'postage', reason: 'bad-debt', value: '-1' }, { code: 'p1', kind: 'product', reason: 'bad-debt', value: '-7' }],
    });
  });

  it('treats what looks like SQL as a value', async () => {
    expect(await rows('units', { where: `country=' or 1=1 --` })).toEqual([{ value: '0' }]);
  });
});

describe('trace', () => {
  it('gives the events behind a number, whose contributions add up to it', async () => {
    const { events, asOf, next } = await trace('revenue.clean', { where: ['customer=sub_a', 'currency=EUR'] });
    expect(events).toEqual([
      { log: 'sales/0', position: 1, id: 'e-o1', type: 'sales.order.placed', time: '2026-01-15T10:20:00.000Z', contribution: '24.90', currency: 'EUR' },
      { log: 'sales/0', position: 5, id: 'e-o4', type: 'sales.order.placed', time: '2026-02-10T23:30:00.000Z', contribution: '10.00', currency: 'EUR' },
    ]);
    expect([asOf, next]).toEqual([{ 'sales/0': 8 }, null]);
  });

  it('pages without a gap or a repetition', async () => {
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await trace('revenue.gross', {}, after, 3);
      seen.push(...page.events.map((event) => event.position));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it.each(['orders', 'aov', 'cancellation.lines', 'cancellation.rate', 'units', 'buyers', 'cohort.retention', 'revenue.net'])('traces %s', async (metric) => {
    const { events } = await trace(metric, {});
    expect(events).toHaveLength((await ask(metric)).events);
  });

  it('refuses a cursor it did not give', () => {
    expect(() => parsePage('12', undefined)).toThrow(/"next" of the page before/);
  });
});
