import { createHash } from 'node:crypto';
import { parseEventType, isContext, type Envelope, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';

/** An event as a spec writes it down; the log is found by its type's context. */
export interface SampleEvent {
  readonly type: string;
  readonly id: string;
  readonly time: string;
  readonly data: unknown;
  readonly via?: string;
  readonly stream?: string;
  readonly version?: number;
}

const EPOCH = 1_763_900_000;

/** Puts events into the logs of a tenant, shard 0, in the order given, with positions and leaves: what a consumer would be handed. */
export const storedLogs = (tenant: string, events: Iterable<SampleEvent>, epoch = EPOCH): Map<string, StoredEvent[]> => {
  const logs = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const context = parseEventType(event.type)?.context ?? '';
    if (!isContext(context)) throw new Error(`no log for ${event.type}`);
    const log: LogKey = { tenant, context, shard: 0 };
    const stored = logs.get(`${context}/0`) ?? [];
    logs.set(`${context}/0`, stored);
    stored.push(storedEvent(log, epoch, stored.length + 1, event));
  }
  return logs;
};

export const storedEvent = (log: LogKey, epoch: number, position: number, { type, id, time, data, via = 'spec', stream = `${type.split('.').slice(0, 2).join('.')}/${id}`, version = 1 }: SampleEvent): StoredEvent => {
  const envelope: Envelope = { specversion: '1.0', id, source: 'urn:spec', type, version, tenant: log.tenant, stream, time, receivedtime: time, recordedtime: time, via, fingerprint: '00'.repeat(32) };
  const envelopeBytes = Buffer.from(JSON.stringify(envelope));
  const bytes = data instanceof Uint8Array ? data : Buffer.from(JSON.stringify(data));
  const salt = createHash('sha256').update(`${log.tenant}/${id}`).digest().subarray(0, 16);
  const leaf = createHash('sha256').update(Buffer.of(0)).update(envelopeBytes).update(createHash('sha256').update(salt).update(bytes).digest()).digest();
  return { log, epoch, position, streamVersion: 1, envelope, envelopeBytes, data: bytes, salt, leaf };
};

export const batchOf = (events: readonly StoredEvent[]): { log: LogKey; events: readonly StoredEvent[]; mark: LogMark } => {
  const last = events.at(-1);
  if (!last) throw new Error('a batch has at least one event');
  return { log: last.log, events, mark: { epoch: last.epoch, position: last.position, leaf: last.leaf } };
};

export type SampleLine = readonly [productId: string, quantity: string | number, unitPrice: string, kind?: string];

export const order = (fact: string, id: string, time: string, lines: readonly SampleLine[], rest: { customer?: string; country?: string; currency?: string } = {}): SampleEvent => ({
  type: `sales.order.${fact}`, id: `e-${id}`, time,
  data: {
    orderId: id, currency: rest.currency ?? 'EUR', ...(rest.country === undefined ? {} : { country: rest.country }), ...(rest.customer === undefined ? {} : { customer: { ref: rest.customer } }),
    lines: lines.map(([productId, quantity, unitPrice, kind = 'product'], index) => ({ lineNo: index + 1, productId, quantity, unitPrice, kind, placedAt: time })),
  },
});

const sealed = { $sealed: { subject: 'sub_a', purpose: 'identity', epoch: 1, path: '/customer/number', typeVersion: 1, box: 'c2VhbGVk' } };

/** A shop whose figures can be worked out by hand: 3 products, 2 customers, every kind of billing, two currencies. */
export const SAMPLE_SHOP: readonly SampleEvent[] = [
  { type: 'merchandise.product.listed', id: 'p1', time: '2026-01-01T00:00:00Z', data: { productId: 'p1', name: 'Lamp', category: 'light', price: '10.00', currency: 'EUR' }, stream: 'merchandise.product/p1' },
  { type: 'merchandise.product.listed', id: 'p2', time: '2026-01-01T00:00:00Z', data: { productId: 'p2', name: 'Chair' }, stream: 'merchandise.product/p2' },
  { type: 'customer.profile.registered', id: 'ca', time: '2026-01-02T08:00:00Z', data: { customer: { ref: 'sub_a', number: sealed }, country: 'DE' }, stream: 'customer.profile/sub_a' },
  order('placed', 'o1', '2026-01-15T10:20:00.123Z', [['p1', 2, '10.00'], ['POST', 1, '4.90', 'postage']], { customer: 'sub_a', country: 'DE' }),
  { type: 'customer.profile.registered', id: 'cb', time: '2026-01-19T08:00:00Z', data: { customer: { ref: 'sub_b' } }, stream: 'customer.profile/sub_b' },
  order('placed', 'o2', '2026-01-20T11:00:00Z', [['p2', '3', '5.555']], { customer: 'sub_b', country: 'AT' }),
  { type: 'sales.payment.captured', id: 'pay1', time: '2026-01-20T11:00:05Z', data: { paymentId: 'pay1', orderId: 'o2', amount: '16.665', currency: 'EUR', method: 'card' } },
  order('placed', 'o3', '2026-01-20T11:59:59.999Z', [['p1', 1, '12.50']], { currency: 'GBP', country: 'UK' }),
  order('cancelled', 'c1', '2026-02-01T00:00:00Z', [['p1', -1, '10.00']], { customer: 'sub_a', country: 'DE' }),
  { type: 'merchandise.price.changed', id: 'pr1', time: '2026-02-02T00:00:00Z', data: { productId: 'p1', price: '11.50', currency: 'EUR' }, stream: 'merchandise.product/p1' },
  { type: 'customer.contact.changed', id: 'cc', time: '2026-02-03T00:00:00Z', data: { customer: { ref: 'sub_a' }, country: 'FR' }, stream: 'customer.profile/sub_a' },
  order('placed', 'o4', '2026-02-10T23:30:00Z', [['p1', '1.5', '10.00'], ['p3', 1, '0']], { customer: 'sub_a', country: 'DE' }),
  order('returned', 'r1', '2026-02-11T08:00:00Z', [['p2', -1, '5.555']], { customer: 'sub_b', country: 'AT' }),
  order('adjusted', 'a1', '2026-02-28T12:00:00Z', [['B', 1, '-11062.06', 'adjustment']], { currency: 'GBP' }),
  { type: 'merchandise.product.retired', id: 'rp2', time: '2026-03-01T00:00:00Z', data: { productId: 'p2' }, stream: 'merchandise.product/p2' },
];
