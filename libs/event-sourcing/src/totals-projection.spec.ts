import fc from 'fast-check';
import { addDecimal, compareDecimal, formatDecimal, parseDecimal } from '@millrace/kernel';
import type { ProjectedEvent } from './projection.ts';
import { totalsProjection } from './totals-projection.ts';
import { storedFact } from './testing.ts';

const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const totals = totalsProjection({
  name: 'totals', version: 1, contexts: ['sales'], table: 'total', key: ['customer', 'currency'], sums: ['orders', 'amount'],
  on: { 'sales.order.placed': ({ data }) => [{ key: [String(data['customer']), 'EUR'], add: ['1', String(data['amount'])] }], 'sales.order.ignored': () => [] },
});
const eventOf = (position: number, customer: string, amount: string, type = 'sales.order.placed'): ProjectedEvent => ({ stored: storedFact(log, position, { key: customer, n: 1, type }), data: { customer, amount } });

/** The statements a run would send. */
const sent = async (events: readonly ProjectedEvent[]): Promise<{ text: string; values: unknown[] }[]> => {
  const statements: { text: string; values: unknown[] }[] = [];
  await totals.apply({ query: async (text, values = []) => { statements.push({ text, values }); return []; } }, events);
  return statements;
};

it('folds a batch into one statement, with one row per key in the order of the keys', async () => {
  const statements = await sent([eventOf(1, 'b', '1.10'), eventOf(2, 'a', '2'), eventOf(3, 'b', '0.005'), eventOf(4, 'c', '9', 'sales.order.ignored')]);
  expect(statements.map(({ values }) => values)).toEqual([[['a', 'b'], ['EUR', 'EUR'], ['1', '2'], ['2', '1.105']]]);
  expect(statements[0]?.text).toContain('on conflict (customer, currency) do update set orders = t.orders + excluded.orders, amount = t.amount + excluded.amount');
});

it('sends nothing when nothing is added', async () => {
  expect(await sent([eventOf(1, 'a', '1', 'sales.order.ignored')])).toEqual([]);
});

it('adds up exactly what the events say, whatever the cut', async () => {
  const amount = fc.tuple(fc.integer({ min: -999, max: 999 }), fc.constantFrom('', '.5', '.25', '.001')).map(([whole, fraction]) => `${whole}${fraction}`);
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), amount)), fc.integer({ min: 1, max: 7 }), async (orders, size) => {
    const sums = new Map<string, string>();
    for (let start = 0; start < orders.length; start += size) {
      for (const { values } of await sent(orders.slice(start, start + size).map(([customer, value], index) => eventOf(start + index + 1, customer, value)))) {
        const [customers, , , amounts] = values as [string[], string[], string[], string[]];
        customers.forEach((customer, index) => sums.set(customer, formatDecimal(addDecimal(parseDecimal(sums.get(customer) ?? '0'), parseDecimal(amounts[index]!)))));
      }
    }
    for (const customer of new Set(orders.map(([one]) => one))) {
      const expected = orders.filter(([one]) => one === customer).map(([, value]) => parseDecimal(value)).reduce(addDecimal);
      expect(compareDecimal(parseDecimal(sums.get(customer) ?? ''), expected)).toBe(0);
    }
  }));
});

it.each([['table', { table: 'total; drop table total' }], ['key', { key: ['Customer'] }], ['sums', { sums: ['a b'] }]])('refuses a %s that is no plain name', (_, change) => {
  expect(() => totalsProjection({ name: 't', version: 1, contexts: [], table: 'total', key: ['k'], sums: ['s'], on: {}, ...change })).toThrow(/a-z, 0-9 and _/);
});
