import { tell, type Act, type Fact, type ReservationOutcome, type Story } from './act.ts';
import { CURRENCY, priceText, type Product } from './assortment.ts';
import { latenessMs } from './lateness.ts';
import type { Visit } from './visit.ts';

export type Basket = readonly { readonly product: Product; readonly quantity: number }[];

interface Order {
  readonly visit: Visit;
  readonly lines: Basket;
  readonly cents: number;
  readonly reservationId: string;
  /** All of an order's sales come as late as itself, or it would come back before it was placed. */
  readonly lateMs: number;
}

const REPLENISHED_UNITS = 500;

const tellSale = ({ lateMs }: Order, type: string, data: Fact['data']): Act => ({ kind: 'fact', fact: { type, data, lateMs } });

const orderLines = ({ lines, visit, lateMs }: Order, sign: 1 | -1): object[] => lines.map(({ product, quantity }, index) => ({
  lineNo: index + 1, productId: product.productId, description: product.name, quantity: quantity * sign,
  unitPrice: priceText(product.cents), kind: 'product', placedAt: new Date(visit.now().getTime() - lateMs).toISOString(),
}));

const orderData = (order: Order, sign: 1 | -1): Record<string, unknown> => {
  const { orderId, visitor } = order.visit;
  return { orderId, currency: CURRENCY, country: visitor.person.country, channel: 'web', customer: { number: visitor.person.number }, lines: orderLines(order, sign) };
};

const total = (lines: Basket): number => lines.reduce((sum, line) => sum + line.product.cents * line.quantity, 0);

/** Stock first: only lines whose units were promised are ordered; a refused line is bought in again and left out. */
export const orderStory = function* (visit: Visit, basket: Basket, cents: number, base: object): Story {
  const { orderId } = visit;
  const reservationId = `res-${orderId}`;
  const promised = yield* reserve(visit, basket, reservationId);
  if (promised.length === 0) return;
  const order: Order = { visit, lines: promised, cents: promised.length === basket.length ? cents : total(promised), reservationId, lateMs: latenessMs(visit.random) };
  yield tellSale(order, 'sales.order.placed', { ...orderData(order, 1), reservationId });
  yield tell('clickstream.checkout.completed', { ...base, orderId, amount: priceText(order.cents), currency: CURRENCY, items: promised.length });
  yield* pay(order);
};

const reserve = function* (visit: Visit, basket: Basket, reservationId: string): Generator<Act, Basket, ReservationOutcome | undefined> {
  const promised: Basket[number][] = [];
  for (const line of basket) {
    const { productId } = line.product;
    const outcome = yield { kind: 'reserve', wish: { reservationId, orderId: visit.orderId, productId, quantity: line.quantity } };
    if (outcome === 'reserved') promised.push(line);
    if (outcome === 'refused') yield tell('inventory.stock.received', { productId, quantity: REPLENISHED_UNITS, supplier: 'supplier-1' });
  }
  return promised;
};

const pay = function* (order: Order): Story {
  const { visit: { random, orderId, later } } = order;
  const payment = { paymentId: `pay-${orderId}`, orderId, amount: priceText(order.cents), currency: CURRENCY, method: random.pick(['card', 'invoice', 'wallet']), provider: 'provider-1' };
  if (random.chance(0.05)) {
    yield tellSale(order, 'sales.payment.failed', { ...payment, reason: 'card-declined' });
    yield tellSale(order, 'sales.order.cancelled', { ...orderData(order, -1), cancels: orderId, reason: 'payment-failed' });
    yield* eachLine(order, 'inventory.stock.released', { reason: 'payment-failed' });
    return;
  }
  yield tellSale(order, 'sales.payment.captured', payment);
  later(afterwards(order, payment.paymentId));
};

const eachLine = function* ({ lines, reservationId, visit }: Order, type: string, extra: object): Story {
  for (const { product, quantity } of lines) {
    const data = { productId: product.productId, quantity, reservationId, ...(type === 'inventory.stock.shipped' ? { orderId: visit.orderId } : {}), ...extra };
    yield tell(type, data);
  }
};

/** Goods leave, and some come back. */
const afterwards = function* (order: Order, paymentId: string): Story {
  const { random, orderId } = order.visit;
  yield { kind: 'pause', acts: random.integer(50, 300) };
  yield* eachLine(order, 'inventory.stock.shipped', {});
  if (!random.chance(0.07)) return;
  yield { kind: 'pause', acts: random.integer(200, 800) };
  yield tellSale(order, 'sales.order.returned', { ...orderData(order, -1), returns: orderId, reason: 'not-as-expected' });
  yield tellSale(order, 'sales.refund.issued', { refundId: `ref-${orderId}`, orderId, paymentId, amount: priceText(order.cents), currency: CURRENCY, reason: 'returned' });
};
