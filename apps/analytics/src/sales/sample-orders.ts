import type { LogReader, StoredEvent } from '@millrace/kernel';
import type { ProjectedEvent } from '@millrace/event-sourcing';

/** An event database without logs, for specs that hand batches over themselves. */
export const noLogs: LogReader = { heads: async () => [], head: async () => undefined, read: async () => [], mark: async () => undefined };

/** A line for specs: product, quantity, price, kind. */
export type SampleLine = readonly [productId: string, quantity: string | number, unitPrice: string, kind?: string];

export interface SampleOrder {
  readonly fact: string;
  readonly id: string;
  readonly at: string;
  readonly currency: string;
  readonly lines: readonly SampleLine[];
  readonly source?: string;
  readonly country?: string;
  readonly customer?: string;
  readonly reason?: string;
}

/** An event as it comes out of a log; only what a projection reads is filled with meaning. */
export const storedEvent = (tenant: string, position: number, type: string, id: string, time: string, data: Record<string, unknown>, via = 'web'): ProjectedEvent => {
  const envelope: StoredEvent['envelope'] = { specversion: '1.0', id, source: 'spec', type, version: 1, tenant, stream: `sales.order/${id}`, time, receivedtime: time, recordedtime: time, via, fingerprint: '' };
  const none = new Uint8Array();
  return { stored: { log: { tenant, context: 'sales', shard: 0 }, epoch: 1, position, streamVersion: 1, envelope, envelopeBytes: none, data: none, salt: none, leaf: new Uint8Array(32) }, data };
};

/** An order event in the contract's stored form. */
export const orderEvent = (tenant: string, position: number, order: SampleOrder): ProjectedEvent =>
  storedEvent(tenant, position, `sales.order.${order.fact}`, `e-${order.id}`, order.at, {
    orderId: order.id, currency: order.currency,
    ...(order.country === undefined ? {} : { country: order.country }),
    ...(order.customer === undefined ? {} : { customer: { ref: order.customer } }),
    ...(order.reason === undefined ? {} : { reason: order.reason }),
    lines: order.lines.map(([productId, quantity, unitPrice, kind = 'product'], index) => ({ lineNo: index + 1, productId, quantity: String(quantity), unitPrice, kind, placedAt: order.at })),
  }, order.source);

/** A small shop whose numbers can be worked out by hand: two sources, two currencies, every kind of fact. */
export const SAMPLE_ORDERS: readonly SampleOrder[] = [
  { fact: 'placed', id: 'o1', at: '2026-01-15T10:20:00Z', currency: 'EUR', country: 'DE', customer: 'sub_a', lines: [['p1', 2, '10.00'], ['POST', 1, '4.90', 'postage']] },
  { fact: 'placed', id: 'o2', at: '2026-01-20T11:00:00Z', currency: 'EUR', country: 'AT', customer: 'sub_b', lines: [['p2', 3, '5.555']] },
  { fact: 'placed', id: 'o3', at: '2026-01-20T11:59:59.999Z', currency: 'GBP', source: 'till', country: 'UK', lines: [['p1', 1, '12.50']] },
  { fact: 'cancelled', id: 'c1', at: '2026-02-01T00:00:00Z', currency: 'EUR', country: 'DE', customer: 'sub_a', lines: [['p1', -1, '10.00']] },
  { fact: 'placed', id: 'o4', at: '2026-02-10T23:30:00Z', currency: 'EUR', country: 'DE', customer: 'sub_a', lines: [['p1', 1, '10.00']] },
  { fact: 'returned', id: 'r1', at: '2026-02-11T08:00:00Z', currency: 'EUR', country: 'AT', customer: 'sub_b', lines: [['p2', -1, '5.555']] },
  { fact: 'adjusted', id: 'a1', at: '2026-02-28T12:00:00Z', currency: 'GBP', source: 'till', reason: 'bad-debt', lines: [['B', 1, '-11062.06', 'adjustment']] },
  { fact: 'placed', id: 'o5', at: '2026-03-05T09:00:00Z', currency: 'GBP', customer: 'sub_a', lines: [['p3', '4', '1.25'], ['BANK CHARGES', 1, '2.00', 'bank-charge'], ['M', 1, '3.00', 'manual'], ['p4', 1, '0']] },
];
