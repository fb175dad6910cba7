import type { SentEvent } from './history.ts';
import type { CyclePlan } from './plan.ts';
import { randomOf, type Random } from './random.ts';

/** An event to send: what the journal keeps of it, and its CloudEvent without times, which each request states anew. */
export interface MadeEvent extends SentEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const COUNTRIES = ['DE', 'FR', 'GB', 'United Kingdom', 'NL', 'none'];
const PRODUCTS = 60;
const CUSTOMERS_PER_LANE = 40;
const SESSIONS_PER_LANE = 12;

const money = (random: Random): string => `${random.between(0, 400)}.${String(random.between(0, 999)).padStart(3, '0')}`;

interface OpenOrder { readonly orderId: string; readonly customer: Record<string, unknown> | undefined; readonly total: string }

/**
 * Everything one lane sends in a cycle, event after event, decided by the seed. A lane has streams that no other lane writes to, so that
 * "in the order sent" means something; its customers turn up in the orders of all lanes, so that keys are asked for from every side.
 */
export class LaneLoad {
  private readonly random: Random;
  private readonly orders: Record<string, number> = {};
  private readonly open: OpenOrder[] = [];
  private count = 0;

  constructor(private readonly plan: CyclePlan, private readonly lane: number) {
    this.random = randomOf('load', plan.seed, plan.cycle, lane);
  }

  /** The next events of this lane, in order. */
  batch(size: number): MadeEvent[] {
    return Array.from({ length: size }, () => this.event());
  }

  private event(): MadeEvent {
    const drawn = this.random.next();
    if (drawn < 0.4) return this.order();
    if (drawn < 0.5 && this.open.length > 0) return this.afterOrder();
    if (drawn < 0.85) return this.page();
    return this.profile();
  }

  private made(type: string, stream: string, proof: string, data: Record<string, unknown>): MadeEvent {
    this.count += 1;
    const order = (this.orders[stream] = (this.orders[stream] ?? 0) + 1);
    return { id: `${this.plan.tenant}-${this.lane}-${this.count}`, type, stream, order, proof, data };
  }

  private customerOf(lane: number): Record<string, unknown> {
    return { number: `k-${lane}-${this.random.between(1, CUSTOMERS_PER_LANE)}` };
  }

  private line(lineNo: number, quantity: number, unitPrice: string): Record<string, unknown> {
    return { lineNo, productId: `p-${this.random.between(1, PRODUCTS)}`, quantity, unitPrice, kind: this.random.chance(0.1) ? 'postage' : 'product', placedAt: '2026-03-01T10:00:00Z' };
  }

  private order(): MadeEvent {
    const orderId = `o-${this.lane}-${this.count + 1}`;
    const first = money(this.random);
    const customer = this.random.chance(0.8) ? this.customerOf(this.random.between(0, this.plan.lanes - 1)) : undefined;
    const more = Array.from({ length: this.random.between(0, 2) }, (_, n) => this.line(n + 2, this.random.between(1, 9), money(this.random)));
    this.open.push({ orderId, customer, total: first });
    return this.made('sales.order.placed', `order/${orderId}`, first, {
      orderId, currency: this.random.chance(0.85) ? 'EUR' : 'GBP', country: this.random.pick(COUNTRIES), ...(customer === undefined ? {} : { customer }),
      lines: [this.line(1, this.random.between(1, 9), first), ...more],
    });
  }

  /** A payment has a stream of its own; a cancellation goes on with the order's. */
  private afterOrder(): MadeEvent {
    const [{ orderId, customer, total }] = this.open.splice(this.random.between(0, this.open.length - 1), 1) as [OpenOrder];
    if (this.random.chance(0.5)) {
      return this.made('sales.payment.captured', `payment/${orderId}`, total, { paymentId: `pay-${orderId}`, orderId, amount: total, currency: 'EUR', method: 'card' });
    }
    return this.made('sales.order.cancelled', `order/${orderId}`, total, {
      orderId, currency: 'EUR', ...(customer === undefined ? {} : { customer }), reason: 'customer-request', lines: [this.line(1, -1, total)],
    });
  }

  private page(): MadeEvent {
    const session = `s-${this.lane}-${this.random.between(1, SESSIONS_PER_LANE)}`;
    const path = `/page/${this.lane}/${this.count}`;
    return this.made('clickstream.page.viewed', `session/${session}`, path, { sessionId: session, visitor: { id: `v-${session}` }, ip: '192.0.2.7', path });
  }

  private profile(): MadeEvent {
    const customer = this.customerOf(this.lane);
    const stream = `profile/${String(customer['number'])}`;
    const country = `${this.random.pick(COUNTRIES)} ${this.count}`;
    return this.orders[stream] === undefined
      ? this.made('customer.profile.registered', stream, country, { customer: { ...customer, email: `${String(customer['number'])}@chaos.example` }, country })
      : this.made('customer.contact.changed', stream, country, { customer, contact: { phone: `+49 30 ${this.random.between(100_000, 999_999)}` }, country });
  }
}

/** The same ids with other bodies: what a broken producer sends. Each must be refused and kept apart. */
export const conflicting = (events: readonly MadeEvent[]): MadeEvent[] => events.map((event) => {
  const { lines } = event.data as { lines?: Record<string, unknown>[] };
  if (event.type.startsWith('sales.order.') && lines !== undefined) return { ...event, proof: '77777.77', data: { ...event.data, lines: [{ ...lines[0], unitPrice: '77777.77' }] } };
  if (event.type === 'sales.payment.captured') return { ...event, proof: '77777.77', data: { ...event.data, amount: '77777.77' } };
  if (event.type === 'clickstream.page.viewed') return { ...event, proof: '/conflict', data: { ...event.data, path: '/conflict' } };
  return { ...event, proof: 'conflict', data: { ...event.data, country: 'conflict' } };
});

/** The CloudEvent as sent now: `senttime` lets the intake correct its own or our clock. */
export const wireOf = (event: MadeEvent, now: Date): Record<string, unknown> =>
  ({ specversion: '1.0', id: event.id, source: 'https://chaos.example/client', type: event.type, senttime: now.toISOString(), datacontenttype: 'application/json', data: event.data });

/** What of a stored event must be what was sent under its id first. */
export const proofOf = (type: string, data: Readonly<Record<string, unknown>>): string => {
  const [line] = (data['lines'] ?? []) as { unitPrice?: unknown }[];
  if (type.startsWith('sales.order.')) return String(line?.unitPrice);
  return String(data[type === 'sales.payment.captured' ? 'amount' : type === 'clickstream.page.viewed' ? 'path' : 'country']);
};
