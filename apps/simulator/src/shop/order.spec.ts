import { describe, expect, it } from '@jest/globals';
import { fixedClock, parseDecimal } from '@millrace/kernel';
import fc from 'fast-check';
import type { Act, Fact, ReservationOutcome, ReservationWish, Story } from './act.ts';
import { assortmentOf, priceText, type Product } from './assortment.ts';
import { Clientele } from './clientele.ts';
import { LATE_SHARE } from './lateness.ts';
import { orderStory, type Basket } from './order.ts';
import { seededRandom, type Random } from './random.ts';
import { visitStory, type Visit } from './visit.ts';

const clock = fixedClock('2026-05-04T10:00:00.000Z');
const products = assortmentOf(seededRandom(1), 20);

/** Chance that always, or never, has it: `always` names the probabilities that come true. */
const rigged = (always: (probability: number) => boolean, seed = 1): Random => ({ ...seededRandom(seed), chance: always, fork: () => rigged(always, seed) });

const visitOf = (random: Random, later: Story[] = []): Visit => ({
  random, products, visitor: new Clientele(seededRandom(4)).next(), sessionId: 's-1', orderId: 'o-1', now: () => clock.now(), later: (story) => { later.push(story); },
});
const basketOf = (...lines: [number, number][]): Basket => lines.map(([index, quantity]) => ({ product: products[index]!, quantity }));
const total = (lines: Basket): number => lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0);

interface Told { readonly facts: Fact[]; readonly wishes: ReservationWish[]; readonly pauses: number[] }

/** The whole of a story, with the stock answering as told. */
const tellAll = (story: Story, stock: (wish: ReservationWish) => ReservationOutcome = () => 'reserved'): Told => {
  const told: Told = { facts: [], wishes: [], pauses: [] };
  let answer: ReservationOutcome | undefined;
  for (let step = story.next(); step.done !== true; step = story.next(answer)) {
    const act: Act = step.value;
    answer = act.kind === 'reserve' ? stock(act.wish) : undefined;
    if (act.kind === 'reserve') told.wishes.push(act.wish);
    else if (act.kind === 'fact') told.facts.push(act.fact);
    else told.pauses.push(act.acts);
  }
  return told;
};
const types = ({ facts }: Told): string[] => facts.map((fact) => fact.type);
const never = (): boolean => false;
const basket = basketOf([0, 2], [3, 1]);
const order = (random: Random, stock?: (wish: ReservationWish) => ReservationOutcome, later: Story[] = []): Told => tellAll(orderStory(visitOf(random, later), basket, total(basket), {}), stock);

describe('an order', () => {
  it('asks for each of its products before it is placed, then is paid', () => {
    const told = order(rigged(never));
    expect(told.wishes).toEqual(basket.map(({ product, quantity }) => ({ reservationId: 'res-o-1', orderId: 'o-1', productId: product.productId, quantity })));
    expect(types(told)).toEqual(['sales.order.placed', 'clickstream.checkout.completed', 'sales.payment.captured']);
  });

  it('bills every promised line at its price, and is paid that sum', () => {
    const told = order(rigged(never));
    const [placed, , paid] = told.facts;
    expect(placed!.data).toMatchObject({ orderId: 'o-1', reservationId: 'res-o-1', currency: 'EUR', channel: 'web', lines: basket.map(({ product, quantity }, index) => (
      { lineNo: index + 1, productId: product.productId, description: product.name, quantity, unitPrice: priceText(product.cents), kind: 'product', placedAt: '2026-05-04T10:00:00.000Z' })) });
    expect(paid!.data).toMatchObject({ paymentId: 'pay-o-1', orderId: 'o-1', amount: priceText(total(basket)), currency: 'EUR' });
  });

  it('leaves out what was refused, buys that in, and asks for less money', () => {
    const told = order(rigged(never), (wish) => (wish.productId === products[0]!.productId ? 'refused' : 'reserved'));
    expect(types(told)).toEqual(['inventory.stock.received', 'sales.order.placed', 'clickstream.checkout.completed', 'sales.payment.captured']);
    expect(told.facts[0]!.data).toMatchObject({ productId: products[0]!.productId, quantity: 500 });
    expect(told.facts[1]!.data).toMatchObject({ lines: [expect.objectContaining({ lineNo: 1, productId: products[3]!.productId })] });
    expect(told.facts[3]!.data).toMatchObject({ amount: priceText(products[3]!.cents) });
  });

  it('is given up without a word when nothing was promised', () => {
    expect(types(order(rigged(never), () => 'unanswered'))).toEqual([]);
    expect(types(order(rigged(never), () => 'refused'))).toEqual(['inventory.stock.received', 'inventory.stock.received']);
  });

  it('whose payment fails is cancelled in full and its stock released', () => {
    const later: Story[] = [];
    const told = order(rigged((probability) => probability === 0.05), undefined, later);
    expect(types(told)).toEqual(['sales.order.placed', 'clickstream.checkout.completed', 'sales.payment.failed', 'sales.order.cancelled', 'inventory.stock.released', 'inventory.stock.released']);
    expect(told.facts[3]!.data).toMatchObject({ cancels: 'o-1', lines: [expect.objectContaining({ quantity: -2 }), expect.objectContaining({ quantity: -1 })] });
    expect(told.facts.slice(4).map(({ data }) => [data['productId'], data['quantity'], data['reservationId']])).toEqual(basket.map(({ product, quantity }) => [product.productId, quantity, 'res-o-1']));
    expect(later).toEqual([]);
  });

  it('is shipped some time later, line by line', () => {
    const later: Story[] = [];
    order(rigged(never), undefined, later);
    const told = tellAll(later[0]!);
    expect(types(told)).toEqual(['inventory.stock.shipped', 'inventory.stock.shipped']);
    expect(told.pauses).toEqual([expect.any(Number)]);
    expect(told.facts[0]!.data).toMatchObject({ orderId: 'o-1', reservationId: 'res-o-1', quantity: 2 });
  });

  it('may come back, and is refunded what was paid', () => {
    const later: Story[] = [];
    order(rigged((probability) => probability === 0.07), undefined, later);
    const told = tellAll(later[0]!);
    expect(types(told)).toEqual(['inventory.stock.shipped', 'inventory.stock.shipped', 'sales.order.returned', 'sales.refund.issued']);
    expect(told.facts[3]!.data).toMatchObject({ refundId: 'ref-o-1', paymentId: 'pay-o-1', amount: priceText(total(basket)) });
  });

  it('that comes late does so with all that follows: nothing comes back before it was placed', () => {
    const later: Story[] = [];
    const told = order(rigged((probability) => probability === LATE_SHARE || probability === 0.07), undefined, later);
    const sales = [...told.facts, ...tellAll(later[0]!).facts].filter(({ type }) => type.startsWith('sales.'));
    expect(sales.map(({ type }) => type)).toEqual(['sales.order.placed', 'sales.payment.captured', 'sales.order.returned', 'sales.refund.issued']);
    const { lateMs } = sales[0]!;
    expect(lateMs).toBeGreaterThanOrEqual(3_600_000);
    expect(sales.map((sale) => sale.lateMs)).toEqual(sales.map(() => lateMs));
    const dated = new Date(clock.now().getTime() - lateMs!).toISOString();
    for (const { data } of [sales[0]!, sales[2]!]) expect(data['lines']).toEqual(basket.map(() => expect.objectContaining({ placedAt: dated })));
  });

  it('adds up for any basket and any stock: what is paid is what is placed', () => {
    const line = fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: 1, max: 9 }));
    const lines = fc.uniqueArray(line, { minLength: 1, maxLength: 6, selector: ([index]) => index });
    fc.assert(fc.property(lines, fc.func(fc.constantFrom<ReservationOutcome>('reserved', 'refused', 'unanswered')), (chosen, stock) => {
      const wanted = basketOf(...chosen);
      const told = tellAll(orderStory(visitOf(rigged(never)), wanted, total(wanted), {}), stock);
      const placed = told.facts.find(({ type }) => type === 'sales.order.placed');
      const paid = told.facts.find(({ type }) => type === 'sales.payment.captured');
      const billed = ((placed?.data['lines'] ?? []) as { quantity: number; unitPrice: string }[]).reduce((sum, each) => sum + parseDecimal(each.unitPrice).units * BigInt(each.quantity), 0n);
      expect(parseDecimal((paid?.data['amount'] as string | undefined) ?? '0.00').units).toBe(billed);
    }));
  });
});

describe('a visit', () => {
  const visit = (random: Random): Told => tellAll(visitStory(visitOf(random)));

  it('always begins with a page, and only looks when nothing else comes', () => {
    expect(types(visit(rigged(never)))[0]).toBe('clickstream.page.viewed');
    expect(new Set(types(visit(rigged(never))))).toEqual(new Set(['clickstream.page.viewed', 'clickstream.product.viewed']));
  });

  it('may search, and fill a basket only with what it looked at', () => {
    const told = visit(rigged((probability) => probability === 0.3 || probability === 0.4));
    expect(types(told)).toContain('clickstream.search.performed');
    const viewed = told.facts.filter(({ type }) => type === 'clickstream.product.viewed').map(({ data }) => data['productId']);
    for (const { data } of told.facts.filter(({ type }) => type === 'clickstream.cart.item-added')) expect(viewed).toContain(data['productId']);
    expect(types(told)).not.toContain('clickstream.checkout.started');
  });

  it('that goes to the checkout for the first time makes its person known before the order', () => {
    const told = visit(rigged((probability) => probability === 0.3));
    const order_ = ['clickstream.checkout.started', 'customer.profile.registered', 'customer.identity.linked', 'sales.order.placed'].map((type) => types(told).indexOf(type));
    expect(order_).toEqual([...order_].sort((a, b) => a - b));
    expect(Math.min(...order_)).toBeGreaterThan(0);
  });

  it('that changes how its person is reached tells another number than before', () => {
    const told = visit(rigged((probability) => probability === 0.3 || probability === 0.05));
    const of = (type: string): Fact['data'] => told.facts.find((fact) => fact.type === type)!.data;
    const [before, after] = [of('customer.profile.registered')['customer'], of('customer.contact.changed')['contact']] as { phone: string }[];
    expect(after!.phone).toMatch(/^\+49\d{13}$/);
    expect(after!.phone).not.toBe(before!.phone);
  });

  it('carries its session and its visitor in every click, and an IP address once', () => {
    const clicks = visit(rigged((probability) => probability === 0.3)).facts.filter(({ type }) => type.startsWith('clickstream.'));
    for (const { data } of clicks) expect(data).toMatchObject({ sessionId: 's-1', visitor: { id: expect.stringMatching(/^v-[a-z0-9]{16}$/) } });
    expect(clicks.filter(({ data }) => 'ip' in data).map(({ data }) => data['ip'])).toEqual([expect.stringMatching(/^203\.0\.113\.\d+$/)]);
  });

  it('takes everything out of the basket again when it changes its mind, and leaves', () => {
    const told = visit(rigged((probability) => probability === 0.3 || probability === 0.1));
    expect(types(told).filter((type) => type === 'clickstream.cart.item-removed').length).toBe(types(told).filter((type) => type === 'clickstream.cart.item-added').length);
    expect(types(told)).not.toContain('clickstream.checkout.started');
  });
});

describe('the clientele', () => {
  it('knows a customer from the first checkout on', () => {
    const visitor = new Clientele(seededRandom(9)).next();
    expect([visitor.firstCheckout(), visitor.firstCheckout()]).toEqual([true, false]);
  });

  it('comes back more and more', () => {
    const clientele = new Clientele(seededRandom(9));
    const people = Array.from({ length: 3000 }, () => clientele.next().person.number);
    const fresh = (from: number, to: number): number => people.slice(from, to).filter((number, index) => people.indexOf(number) === from + index).length;
    expect(fresh(0, 500)).toBeGreaterThan(120);
    expect(new Set(people).size).toBeLessThan(1300);
  });

  it('is the same for the same seed', () => {
    const names = (seed: number): string[] => { const clientele = new Clientele(seededRandom(seed)); return Array.from({ length: 50 }, () => clientele.next().person.name); };
    expect(names(3)).toEqual(names(3));
    expect(names(3)).not.toEqual(names(4));
  });
});

it('never sells two products under one id, nor any for nothing', () => {
  const sold: readonly Product[] = assortmentOf(seededRandom(7), 120);
  expect(new Set(sold.map(({ productId }) => productId)).size).toBe(120);
  expect(Math.min(...sold.map(({ cents }) => cents))).toBeGreaterThan(0);
});
