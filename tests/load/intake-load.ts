import { performance } from 'node:perf_hooks';
import { v7 } from 'uuid';

/** Events of a request, and connections that send: enough to keep a request in every stage. */
export const PER_REQUEST = 500;
export const LANES = 8;
const KNOWN_CUSTOMERS = 100_000;
const NEW_SHARE = 0.05;

/** Customer numbers as a shop sees them: 5 % new, the rest by Zipf's law (exponent 1) over the known ones. */
class Customers {
  private readonly sums = new Float64Array(KNOWN_CUSTOMERS);
  private made = KNOWN_CUSTOMERS;

  constructor() {
    let sum = 0;
    for (let rank = 0; rank < KNOWN_CUSTOMERS; rank += 1) this.sums[rank] = sum += 1 / (rank + 1);
  }

  next(): string {
    if (Math.random() < NEW_SHARE) return `N-${this.made += 1}`;
    const wanted = Math.random() * this.sums.at(-1)!;
    let [low, high] = [0, KNOWN_CUSTOMERS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return `N-${low}`;
  }
}

const customers = new Customers();
const PERSON = { name: 'Ann Example of Example Street', email: 'ann.example@shop.example' };
const attributes = (type: string, version: number) => ({ specversion: '1.0', id: v7(), source: '/shop', type, version, time: new Date().toISOString() });

/** A change of contact data: two personal fields to seal, beside the customer's number. */
const contactChanged = (): object => ({ ...attributes('customer.contact.changed', 1), data: { customer: { number: customers.next() }, contact: PERSON, country: 'DE' } });

/** An order of one line, for what analytics folds. */
export const orderPlaced = (): object => {
  const event = attributes('sales.order.placed', 2);
  const line = { lineNo: 1, productId: 'P-1', quantity: '2', unitPrice: '9.99', kind: 'product', placedAt: event.time };
  return { ...event, data: { orderId: event.id, currency: 'EUR', country: 'DE', customer: { number: customers.next() }, lines: [line] } };
};

/** Bodies of PER_REQUEST events each; one event in ten is an order where `orders` is set. */
export const requestBodies = (events: number, orders = false): string[] => Array.from({ length: Math.floor(events / PER_REQUEST) }, () =>
  JSON.stringify(Array.from({ length: PER_REQUEST }, (_, n) => (orders && n % 10 === 0 ? orderPlaced() : contactChanged()))));

/** Where events go and with which source key. */
export interface Door {
  readonly address: string;
  readonly key: string;
}

/** Posts one batch and answers how long its acknowledgement took, in milliseconds. Throws unless every event was taken. */
export const post = async ({ address, key }: Door, body: string): Promise<number> => {
  const sent = performance.now();
  const response = await fetch(`${address}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${key}` }, body });
  const answer = await response.text();
  if (response.status !== 202 || answer.includes('"rejected"')) throw new Error(`the intake answered ${response.status}: ${answer.slice(0, 300)}`);
  return performance.now() - sent;
};

/** Sends all bodies over LANES connections; events per second until the last is answered. */
export const postAll = async (door: Door, bodies: string[]): Promise<number> => {
  const events = bodies.length * PER_REQUEST;
  const begun = performance.now();
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) await post(door, body);
  }));
  return events / ((performance.now() - begun) / 1000);
};

/** Requests begun evenly at a rate, whatever the answers take: how long each took, in milliseconds. A late one counts from when it was due. */
export const postPaced = async (door: Door, bodies: readonly string[], eventsPerSecond: number): Promise<number[]> => {
  const apartMs = (PER_REQUEST / eventsPerSecond) * 1000;
  const begun = performance.now();
  return Promise.all(bodies.map(async (body, n) => {
    const due = begun + n * apartMs;
    await new Promise((resolve) => { setTimeout(resolve, Math.max(0, due - performance.now())); });
    await post(door, body);
    return performance.now() - due;
  }));
};
