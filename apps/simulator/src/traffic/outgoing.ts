import type { Fact } from '../shop/act.ts';
import { LATE_SHARE, latenessMs } from '../shop/lateness.ts';
import type { Random } from '../shop/random.ts';

/** A CloudEvent as it goes over the wire. */
export interface OutgoingEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Names a run's events: the seed and the run make ids that no other run uses. */
export interface RunName {
  readonly seed: number;
  readonly run: string;
}

const SOURCE = 'urn:millrace:simulator';
/** Before any run, and a fixed moment, so that the opening is the same event in each. */
const OPENED_AT = '2024-01-01T08:00:00.000Z';

export const openingEvents = ({ seed }: RunName, facts: readonly Fact[]): OutgoingEvent[] => facts.map((fact, index) =>
  ({ specversion: '1.0', id: `sim-${seed}-opening-${index}`, source: SOURCE, type: fact.type, time: OPENED_AT, data: fact.data }));

/** Shares of what goes wrong in real traffic; small, but seen within a minute at 50 events a second. */
export const SHARES = { duplicate: 0.02, late: LATE_SHARE, malformed: 0.01, unnamedField: 0.01 } as const;
const REMEMBERED = 200;
const HOUR_MS = 3_600_000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Turns facts into events, and now and then into what a careful intake must withstand. Deterministic apart from the clock. */
export class Traffic {
  private readonly random: Random;
  private readonly name: RunName;
  private readonly now: () => Date;
  private readonly recent: OutgoingEvent[] = [];
  private count = 0;

  constructor(random: Random, name: RunName, now: () => Date) {
    this.random = random.fork('traffic');
    this.name = name;
    this.now = now;
  }

  /** The event of this fact, and sometimes one more: an earlier event again (same id, same body), or a broken one. */
  of(fact: Fact): OutgoingEvent[] {
    const events = [this.event(fact)];
    if (this.recent.length > 0 && this.random.chance(SHARES.duplicate)) events.push(this.random.pick(this.recent));
    if (this.random.chance(SHARES.malformed)) events.push(this.broken());
    this.recent.push(events[0]!);
    if (this.recent.length > REMEMBERED) this.recent.shift();
    return events;
  }

  private event({ type, data, lateMs }: Fact): OutgoingEvent {
    const late = lateMs ?? (type.startsWith('clickstream.') ? latenessMs(this.random) : 0);
    const time = new Date(this.now().getTime() - late).toISOString();
    const unnamed = this.random.chance(SHARES.unnamedField) ? { forwardedBy: this.stranger() } : {};
    return this.wire(type, time, { ...data, ...unnamed });
  }

  private wire(type: string, time: string, data: OutgoingEvent['data']): OutgoingEvent {
    this.count += 1;
    return { specversion: '1.0', id: `sim-${this.name.seed}-${this.name.run}-${this.count}`, source: SOURCE, type, time, data };
  }

  /** Each breaks one rule of the intake, and one of them carries personal values where a reject must protect them. */
  private broken(): OutgoingEvent {
    const now = this.now();
    const at = now.toISOString();
    const sessionId = `s-broken-${this.count}`;
    return this.random.pick([
      () => this.wire('clickstream.page.viewed', at, { sessionId }),
      () => this.wire('clickstream.cart.item-added', at, { sessionId, productId: 'sku-0001', quantity: -1 }),
      () => this.wire('clickstream.page.dreamt', at, { sessionId, path: '/' }),
      () => this.wire('sales.payment.captured', at, { paymentId: sessionId, orderId: sessionId, amount: '1e3', currency: 'EUR', method: 'card' }),
      () => this.wire('clickstream.page.viewed', new Date(now.getTime() + 72 * HOUR_MS).toISOString(), { sessionId, path: '/' }),
      () => this.wire('customer.contact.changed', at, { customer: { email: this.stranger() }, contact: { email: this.stranger(), phone: 'none' } }),
    ])();
  }

  private stranger(): string {
    return `${this.random.text(LETTERS, 16)}@mail.example`;
  }
}
