import { tell, type Act, type ReservationOutcome, type Story } from './act.ts';
import { CURRENCY, popularProduct, priceText, type Product } from './assortment.ts';
import type { Visitor } from './clientele.ts';
import { orderStory, type Basket } from './order.ts';
import { phoneOf, type Person } from './person.ts';
import type { Random } from './random.ts';

export interface Visit {
  readonly random: Random;
  readonly products: readonly Product[];
  readonly visitor: Visitor;
  /** Unique within the run. */
  readonly sessionId: string;
  readonly orderId: string;
  readonly now: () => Date;
  /** Begins what happens after the visit, such as shipping and returns. */
  readonly later: (story: Story) => void;
}

const CHANNELS = ['direct', 'search', 'newsletter', 'social'] as const;
const SEARCHES = ['gift', 'lantern', 'blue mug', 'linen', 'garden', 'birthday', 'copper'] as const;

/** One session: looks around, and with luck fills a basket and orders. */
export const visitStory = function* (visit: Visit): Story {
  const { random, visitor, sessionId } = visit;
  const base = { sessionId, visitor: { id: visitor.person.visitorId }, channel: random.pick(CHANNELS) };
  yield tell('clickstream.page.viewed', { ...base, path: '/', title: 'Home', ip: ipOf(random) });
  if (random.chance(0.3)) yield tell('clickstream.search.performed', { ...base, query: random.pick(SEARCHES), results: random.integer(0, 60) });
  const basket = yield* browse(visit, base);
  if (basket.length === 0 || random.chance(0.4)) return;
  const cents = basket.reduce((sum, line) => sum + line.product.cents * line.quantity, 0);
  yield tell('clickstream.checkout.started', { ...base, amount: priceText(cents), currency: CURRENCY, items: basket.length });
  if (random.chance(0.15)) return;
  if (visitor.firstCheckout()) yield* register(visitor.person, random);
  yield* orderStory(visit, basket, cents, base);
};

const browse = function* ({ random, products }: Visit, base: object): Generator<Act, Basket, ReservationOutcome | undefined> {
  const basket: { product: Product; quantity: number }[] = [];
  for (let views = random.integer(1, 5); views > 0; views -= 1) {
    const product = popularProduct(random, products);
    yield tell('clickstream.product.viewed', { ...base, productId: product.productId, category: product.category, unitPrice: priceText(product.cents), currency: CURRENCY });
    if (!random.chance(0.3) || basket.some((line) => line.product === product)) continue;
    const quantity = random.integer(1, 4);
    yield tell('clickstream.cart.item-added', { ...base, productId: product.productId, quantity, unitPrice: priceText(product.cents), currency: CURRENCY });
    if (random.chance(0.1)) yield tell('clickstream.cart.item-removed', { ...base, productId: product.productId, quantity });
    else basket.push({ product, quantity });
  }
  return basket;
};

const register = function* (person: Person, random: Random): Generator<Act, void, ReservationOutcome | undefined> {
  const { number, name, email, phone, address, country, visitorId } = person;
  yield tell('customer.profile.registered', { customer: { number, name, email, phone, address }, country, channel: 'web' });
  yield tell('customer.identity.linked', { customer: { number, visitorId }, method: 'checkout' });
  if (random.chance(0.6)) yield tell('customer.consent.given', { customer: { number }, purpose: 'newsletter', channel: 'email', policy: 'p-2026-1' });
  if (random.chance(0.05)) yield tell('customer.contact.changed', { customer: { number }, contact: { phone: phoneOf(random) } });
};

/** From the documentation range (RFC 5737): nobody's address. */
const ipOf = (random: Random): string => `203.0.113.${random.integer(1, 254)}`;
