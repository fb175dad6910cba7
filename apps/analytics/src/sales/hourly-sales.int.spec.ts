import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addDecimal, formatDecimal, multiplyDecimal, parseDecimal, ZERO, type Decimal, type LogKey } from '@millrace/kernel';
import { freshDatabase, uniqueTenant, type TestDatabase } from '@millrace/testing';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { openAnalyticsDatabase } from '../analytics-database.ts';
import { insertFacts } from './fact-insert.ts';
import { removeFacts } from './fact-removal.ts';
import { orderEvent, type SampleOrder } from './sample-orders.ts';
import type { SalesFact } from './sales-fact.model.ts';
import { salesFactOf } from './sales-facts.projection.ts';

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

interface Sums { lines: number; gross: Decimal; cleanLines: number; clean: Decimal; units: Decimal; cancelledLines: number; orders: number }

/** The definition of the rollup, written a second time over plain facts. */
const foldOf = (facts: readonly SalesFact[]): Record<string, unknown> => {
  const sums = new Map<string, Sums>();
  const at = (time: string, fact: SalesFact): Sums => {
    const key = `${time.slice(0, 13)} ${fact.source} ${fact.currency}`;
    const found = sums.get(key) ?? { lines: 0, gross: ZERO, cleanLines: 0, clean: ZERO, units: ZERO, cancelledLines: 0, orders: 0 };
    sums.set(key, found);
    return found;
  };
  for (const fact of facts) {
    if (fact.fact === 'placed') at(fact.time, fact).orders += 1;
    for (const line of fact.lines) {
      const [sum, quantity, price] = [at(line.time, fact), parseDecimal(line.quantity), parseDecimal(line.unitPrice)];
      const amount = multiplyDecimal(quantity, price);
      sum.lines += 1;
      sum.gross = addDecimal(sum.gross, amount);
      sum.cancelledLines += fact.fact === 'cancelled' ? 1 : 0;
      if (fact.customerRef === null || quantity.units <= 0n || price.units <= 0n) continue;
      sum.cleanLines += 1;
      sum.clean = addDecimal(sum.clean, amount);
      sum.units = addDecimal(sum.units, quantity);
    }
  }
  return Object.fromEntries([...sums].map(([key, s]) => [key, [s.lines, formatDecimal(s.gross), s.cleanLines, formatDecimal(s.clean), formatDecimal(s.units), s.cancelledLines, s.orders].join(' ')]));
};

const rollupOf = async (tenant: string): Promise<Record<string, unknown>> => {
  const rows = await database.query<{ key: string; sums: string }[]>(
    `select to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24') || ' ' || source || ' ' || currency as key,
       concat_ws(' ', lines, gross, clean_lines, clean, units, cancelled_lines, orders) as sums from hourly_sales where tenant = $1`, [tenant]);
  return Object.fromEntries(rows.map(({ key, sums }) => [key, sums]));
};

const buyersOf = async (tenant: string, table: 'rollup' | 'facts'): Promise<unknown> => database.query(
  table === 'rollup' ? 'select currency, customer_ref from buyer where tenant = $1 order by 1, 2'
    : 'select distinct currency, customer_ref from order_line_fact where tenant = $1 and customer_ref is not null and quantity > 0 and unit_price > 0 order by 1, 2', [tenant]);

const decimal = fc.tuple(fc.integer({ min: -500, max: 500 }), fc.constantFrom('', '.5', '.25', '.125', '.10')).map(([whole, fraction]) => `${whole}${fraction}`);
const order: fc.Arbitrary<Omit<SampleOrder, 'id'>> = fc.record({
  fact: fc.constantFrom('placed', 'placed', 'cancelled', 'returned', 'adjusted'),
  at: fc.integer({ min: 0, max: 6 }).map((halfHours) => new Date(Date.UTC(2026, 0, 31, 22, halfHours * 30)).toISOString()),
  currency: fc.constantFrom('EUR', 'GBP'), source: fc.constantFrom('web', 'till'),
  customer: fc.option(fc.constantFrom('sub_a', 'sub_b', 'sub_c'), { nil: undefined }),
  lines: fc.array(fc.tuple(fc.constantFrom('p1', 'p2', 'POST'), decimal, decimal), { maxLength: 4 }),
});
const shop = fc.record({
  orders: fc.array(order, { minLength: 1, maxLength: 25 }),
  shards: fc.infiniteStream(fc.constantFrom(0, 1)),
  cuts: fc.infiniteStream(fc.integer({ min: 1, max: 6 })),
  turns: fc.infiniteStream(fc.constantFrom(0, 1)),
  again: fc.infiniteStream(fc.boolean()),
});

interface Batch { readonly log: LogKey; readonly facts: readonly SalesFact[] }

/** Spreads orders over two logs, cuts each log into batches, and delivers them in some interleaving, some of them twice. */
const deliveriesOf = (tenant: string, sample: typeof shop extends fc.Arbitrary<infer T> ? T : never): { facts: SalesFact[]; deliveries: Batch[] } => {
  const logs: SalesFact[][] = [[], []];
  for (const [index, one] of sample.orders.entries()) {
    const log = logs[sample.shards.next().value ?? 0] ?? [];
    const { stored, data } = orderEvent(tenant, log.length + 1, { ...one, id: String(index) });
    const fact = salesFactOf(stored, data);
    if (fact !== undefined) log.push(fact);
  }
  const queues = logs.map((facts, shard) => {
    const batches: Batch[] = [];
    for (let at = 0; at < facts.length;) {
      const size = sample.cuts.next().value ?? 1;
      batches.push({ log: { tenant, context: 'sales', shard }, facts: facts.slice(at, at + size) });
      at += size;
    }
    return batches;
  });
  const deliveries: Batch[] = [];
  while (queues.some((queue) => queue.length > 0)) {
    const turn = sample.turns.next().value ?? 0;
    const batch = queues[turn]?.shift() ?? queues[1 - turn]?.shift();
    if (batch === undefined) continue;
    deliveries.push(batch, ...(sample.again.next().value ? [batch] : []));
  }
  return { facts: logs.flat(), deliveries };
};

describe('the hourly rollup', () => {
  it('equals the fold of the facts for every interleaving of logs, cut of batches and repeated delivery', async () => {
    await fc.assert(fc.asyncProperty(shop, async (sample) => {
      const tenant = uniqueTenant();
      const { facts, deliveries } = deliveriesOf(tenant, sample);
      for (const { log, facts: batch } of deliveries) await database.transaction((manager) => insertFacts(manager, log, batch));
      expect(await rollupOf(tenant)).toEqual(foldOf(facts));
      expect(await buyersOf(tenant, 'rollup')).toEqual(await buyersOf(tenant, 'facts'));
    }), { numRuns: 40 });
  });

  it('equals the fold of what stays when a log is taken out, and of everything once it is applied again', async () => {
    await fc.assert(fc.asyncProperty(shop, async (sample) => {
      const tenant = uniqueTenant();
      const { facts, deliveries } = deliveriesOf(tenant, sample);
      const apply = (batches: readonly Batch[]) => Promise.all(batches.map(({ log, facts: batch }) => database.transaction((manager) => insertFacts(manager, log, batch))));
      for (const batch of deliveries) await apply([batch]);
      await database.transaction((manager) => removeFacts(manager, { tenant, context: 'sales', shard: 0 }));
      const staying = new Set(deliveries.filter(({ log }) => log.shard === 1).flatMap((batch) => batch.facts));
      expect(await rollupOf(tenant)).toEqual(foldOf(facts.filter((fact) => staying.has(fact))));
      expect(await buyersOf(tenant, 'rollup')).toEqual(await buyersOf(tenant, 'facts'));
      expect(await database.query('select distinct log from order_fact where tenant = $1 union select log from order_line_fact where tenant = $1', [tenant])).toEqual(staying.size > 0 ? [{ log: 'sales/1' }] : []);
      for (const batch of deliveries.filter(({ log }) => log.shard === 0)) await apply([batch]);
      expect(await rollupOf(tenant)).toEqual(foldOf(facts));
      expect(await buyersOf(tenant, 'rollup')).toEqual(await buyersOf(tenant, 'facts'));
    }), { numRuns: 25 });
  });

  it('is left as it was when the transaction of the facts fails', async () => {
    const tenant = uniqueTenant();
    const { facts, deliveries } = deliveriesOf(tenant, fc.sample(shop, { seed: 7, numRuns: 1 })[0]!);
    await expect(database.transaction(async (manager) => {
      for (const { log, facts: batch } of deliveries) await insertFacts(manager, log, batch);
      throw new Error('the checkpoint could not be saved');
    })).rejects.toThrow('checkpoint');
    expect(await rollupOf(tenant)).toEqual({});
    for (const { log, facts: batch } of deliveries) await database.transaction((manager) => insertFacts(manager, log, batch));
    expect(await rollupOf(tenant)).toEqual(foldOf(facts));
  });

  it('takes two logs of a tenant at once, without a deadlock', async () => {
    const tenant = uniqueTenant();
    const orders = Array.from({ length: 60 }, (_, index): SampleOrder => ({ fact: 'placed', id: String(index), at: new Date(Date.UTC(2026, 0, 1, index % 20)).toISOString(), currency: 'EUR', customer: `sub_${index % 9}`, lines: [['p1', 1, '1.00']] }));
    const facts = orders.flatMap((one, index) => { const { stored, data } = orderEvent(tenant, index + 1, one); return salesFactOf(stored, data) ?? []; });
    await Promise.all([0, 1].map(async (shard) => {
      const mine = facts.filter((_, index) => index % 2 === shard);
      for (let at = 0; at < mine.length; at += 6) await database.transaction((manager) => insertFacts(manager, { tenant, context: 'sales', shard }, mine.slice(at, at + 6).toReversed()));
    }));
    expect(await rollupOf(tenant)).toEqual(foldOf(facts));
  });

  it('fails rather than skips when a position is already taken by another event', async () => {
    const tenant = uniqueTenant();
    const one = (id: string): SalesFact[] => { const { stored, data } = orderEvent(tenant, 1, { fact: 'placed', id, at: '2026-01-01T00:00:00Z', currency: 'EUR', lines: [['p1', 1, '1.00']] }); return [salesFactOf(stored, data)].flatMap((fact) => fact ?? []); };
    const insert = (id: string): Promise<number> => database.transaction((manager) => insertFacts(manager, { tenant, context: 'sales', shard: 0 }, one(id)));
    expect([await insert('a'), await insert('a')]).toEqual([1, 0]);
    await expect(insert('b')).rejects.toThrow(/uq_order_fact_position/);
  });
});
