import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkData, checkWireEvent, findContract } from '@millrace/contracts';
import { fixedClock } from '@millrace/kernel';
import { assortmentOf, popularProduct, priceText } from './assortment.ts';
import type { Fact, ReservationOutcome, ReservationWish } from './act.ts';
import { dayFactor, meanMsBetween } from './day-pattern.ts';
import { personOf } from './person.ts';
import { seededRandom } from './random.ts';
import { Shop } from './shop.ts';

const clock = fixedClock('2026-05-04T10:00:00.000Z');
const shopOf = (seed: number, run = 'r1'): Shop => new Shop(seededRandom(seed), clock, run);

interface Trade { readonly facts: Fact[]; readonly wishes: ReservationWish[] }

/** So many acts of a shop whose stock answers as told. */
const trade = async (shop: Shop, acts: number, stock: (wish: ReservationWish) => ReservationOutcome | Promise<ReservationOutcome> = () => 'reserved'): Promise<Trade> => {
  const done: Trade = { facts: [], wishes: [] };
  for (let act = 0; act < acts; act += 1) {
    const next = await shop.next();
    if (next.kind === 'fact') done.facts.push(next.fact);
    else {
      done.wishes.push(next.wish);
      next.answer(stock(next.wish));
    }
  }
  return done;
};
const ofType = (facts: readonly Fact[], type: string): Fact[] => facts.filter((fact) => fact.type === type);
const typesOf = (facts: readonly Fact[]): string[] => [...new Set(facts.map((fact) => fact.type))].toSorted();

describe('chance', () => {
  it('gives the same draws for the same seed and others for another', () => {
    fc.assert(fc.property(fc.nat(), (seed) => {
      const draws = (from: number): number[] => { const random = seededRandom(from); return Array.from({ length: 5 }, () => random.integer(0, 1_000_000)); };
      expect(draws(seed)).toEqual(draws(seed));
      expect(draws(seed)).not.toEqual(draws(seed + 1));
    }));
  });

  it('keeps to its bounds and fills them evenly', () => {
    const random = seededRandom(1);
    const seen = Array.from({ length: 10_000 }, () => random.integer(3, 7));
    for (const value of [3, 4, 5, 6, 7]) expect(Math.abs(seen.filter((each) => each === value).length - 2000)).toBeLessThan(200);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([3, 7]);
  });

  it('has forks that don\'t depend on what was drawn before', () => {
    const [fresh, used] = [seededRandom(5), seededRandom(5)];
    used.unit();
    expect(used.fork('a').text('abcdef', 20)).toBe(fresh.fork('a').text('abcdef', 20));
    expect(fresh.fork('b').text('abcdef', 20)).not.toBe(fresh.fork('a').text('abcdef', 20));
  });
});

describe('people', () => {
  it('are the same in every run, and have at least 12 random characters in each value', () => {
    const random = seededRandom(7);
    expect(personOf(random, 3)).toEqual(personOf(seededRandom(7), 3));
    const { number, name, email, phone } = personOf(random, 3);
    expect(number).toMatch(/^C[A-Z2-9]{14}$/);
    expect(name).toMatch(/^[A-Z][a-z]{11} [A-Z][a-z]{11}$/);
    expect(email).toMatch(/^[a-z0-9]{16}@mail\.example$/);
    expect(phone).toMatch(/^\+49\d{13}$/);
  });

  it('share no value, two thousand of them', () => {
    const random = seededRandom(7);
    const values = Array.from({ length: 2000 }, (_, index) => personOf(random, index)).flatMap(({ number, name, email, phone, visitorId }) => [number, name, email, phone, visitorId]);
    expect(new Set(values).size).toBe(10_000);
  });
});

describe('the assortment', () => {
  it('is drawn by popularity', () => {
    const random = seededRandom(2);
    const products = assortmentOf(random, 50);
    const drawn = Array.from({ length: 5000 }, () => popularProduct(random, products).productId);
    const count = (id: string): number => drawn.filter((each) => each === id).length;
    expect(count('sku-0001')).toBeGreaterThan(5 * count('sku-0025'));
    expect(new Set(drawn).size).toBeGreaterThan(40);
  });
  it.each([[5, '0.05'], [100, '1.00'], [12_345, '123.45']])('prices %d cents as %s', (cents, text) => {
    expect(priceText(cents)).toBe(text);
  });
});

it('has a day whose mean is 1, busiest in the evening', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => dayFactor(new Date(Date.UTC(2026, 0, 1, hour))));
  expect(hours.reduce((sum, factor) => sum + factor, 0) / 24).toBeCloseTo(1, 9);
  expect(hours.indexOf(Math.max(...hours))).toBe(19);
  expect(Math.min(...hours)).toBeGreaterThan(0.4);
});

it('counts an hour at its factor, and a day as a day, wherever it begins', () => {
  const [hour, day] = [3_600_000, 86_400_000];
  fc.assert(fc.property(fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }), (from) => {
    const middle = new Date(from.getTime() + hour / 2);
    expect(meanMsBetween(from.getTime(), from.getTime() + hour) / hour).toBeCloseTo(dayFactor(middle), 2);
    expect(meanMsBetween(from.getTime(), from.getTime() + day) / day).toBeCloseTo(1, 9);
  }));
});

describe('the shop', () => {
  it('does the same again for the same seed and run, and something else for another seed', async () => {
    expect(await trade(shopOf(7), 1000)).toEqual(await trade(shopOf(7), 1000));
    expect(await trade(shopOf(7), 300)).not.toEqual(await trade(shopOf(8), 300));
  });

  it('does the same whenever the stock answers, and in whatever order', async () => {
    const outcome = ({ quantity }: ReservationWish): ReservationOutcome => (quantity > 3 ? 'refused' : 'reserved');
    const turns = async (wish: ReservationWish): Promise<ReservationOutcome> => {
      for (let left = wish.productId.charCodeAt(7) * wish.quantity; left > 0; left -= 1) await Promise.resolve();
      return outcome(wish);
    };
    expect(await trade(shopOf(7), 3000, turns)).toEqual(await trade(shopOf(7), 3000, outcome));
  });

  it('ends with what the stock could not be asked for', async () => {
    await expect(trade(shopOf(7), 3000, () => Promise.reject(new Error('no stock here')))).rejects.toThrow('no stock here');
  });

  it('tells only what the contracts know and accept, opening included', async () => {
    const shop = shopOf(7);
    const { facts } = await trade(shop, 8000);
    const refused = [...shop.openingFacts(), ...facts].flatMap((fact) => {
      const contract = findContract(fact.type, 1);
      const check = contract === undefined ? 'no contract' : checkData(contract, JSON.parse(JSON.stringify(fact.data)) as Record<string, unknown>);
      const clean = typeof check === 'object' && check.ok && check.dropped.length === 0;
      const wire = checkWireEvent({ specversion: '1.0', id: 'x', source: 'y', type: fact.type, data: fact.data });
      return clean && wire.ok ? [] : [{ fact, check, wire }];
    });
    expect(refused).toEqual([]);
    expect(typesOf(facts)).toEqual(expect.arrayContaining([
      'clickstream.cart.item-added', 'clickstream.checkout.completed', 'clickstream.search.performed', 'customer.consent.given', 'customer.contact.changed', 'customer.identity.linked',
      'customer.profile.registered', 'inventory.stock.released', 'inventory.stock.shipped', 'sales.order.cancelled', 'sales.order.placed', 'sales.order.returned', 'sales.payment.captured',
      'sales.payment.failed', 'sales.refund.issued',
    ]));
  });

  it('orders only what was promised', async () => {
    const promised = new Set<string>();
    const { facts } = await trade(shopOf(3), 6000, (wish) => {
      if (wish.quantity > 2) return 'refused';
      promised.add(`${wish.orderId} ${wish.productId} ${wish.quantity}`);
      return 'reserved';
    });
    const ordered = ofType(facts, 'sales.order.placed').flatMap(({ data }) => (data['lines'] as { productId: string; quantity: number }[]).map((line) => `${String(data['orderId'])} ${line.productId} ${line.quantity}`));
    expect(ordered.length).toBeGreaterThan(50);
    expect(ordered.filter((line) => !promised.has(line))).toEqual([]);
    expect(ofType(facts, 'inventory.stock.received').length).toBeGreaterThan(10);
  });

  it('places no order when nobody promises anything, and goes on', async () => {
    const { facts, wishes } = await trade(shopOf(3), 3000, () => 'unanswered');
    expect(wishes.length).toBeGreaterThan(20);
    expect(ofType(facts, 'sales.order.placed')).toEqual([]);
    expect(facts.length).toBeGreaterThan(1000);
  });

  it('bills a failed payment\'s order back to zero', async () => {
    const { facts } = await trade(shopOf(7), 8000);
    const [cancelled] = ofType(facts, 'sales.order.cancelled');
    const placed = ofType(facts, 'sales.order.placed').find(({ data }) => data['orderId'] === cancelled!.data['orderId'])!;
    const quantities = ({ data }: Fact): number[] => (data['lines'] as { quantity: number }[]).map((line) => line.quantity);
    expect(quantities(cancelled!)).toEqual(quantities(placed).map((quantity) => -quantity));
  });

  it('registers a customer once, and lets known customers come again', async () => {
    const { facts } = await trade(shopOf(7), 8000);
    const numbers = ofType(facts, 'customer.profile.registered').map(({ data }) => (data['customer'] as { number: string }).number);
    expect(new Set(numbers).size).toBe(numbers.length);
    const buyers = ofType(facts, 'sales.order.placed').map(({ data }) => (data['customer'] as { number: string }).number);
    expect(new Set(buyers).size).toBeLessThan(buyers.length);
    const known = new Set(numbers);
    expect(buyers.filter((buyer) => !known.has(buyer))).toEqual([]);
  });

  it('names sessions and orders of another run differently, products alike', async () => {
    const [one, two] = [await trade(shopOf(7, 'a'), 2000), await trade(shopOf(7, 'b'), 2000)];
    const orders = (facts: readonly Fact[]): unknown[] => ofType(facts, 'sales.order.placed').map(({ data }) => data['orderId']);
    expect(orders(one.facts).filter((id) => orders(two.facts).includes(id))).toEqual([]);
    expect(shopOf(7, 'a').openingFacts()).toEqual(shopOf(7, 'b').openingFacts());
  });
});
