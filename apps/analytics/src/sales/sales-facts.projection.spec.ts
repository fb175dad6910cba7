import { describe, expect, it } from '@jest/globals';
import { checkData, CONTRACTS, upcast } from '@millrace/contracts';
import type { ProjectedEvent } from '@millrace/event-sourcing';
import { orderEvent, SAMPLE_ORDERS, storedEvent } from './sample-orders.ts';
import { BILLING_TYPES, salesFactOf } from './sales-facts.projection.ts';

/** As the runner gives it: in the newest version of its type. */
const factOf = ({ stored, data }: ProjectedEvent): ReturnType<typeof salesFactOf> => salesFactOf(stored, upcast(stored.envelope.type, stored.envelope.version, data).data);
const order = (data: Record<string, unknown>): ProjectedEvent => {
  const { stored, data: whole } = orderEvent('shop', 1, SAMPLE_ORDERS[0]!);
  return { stored, data: { ...whole, ...data } };
};
const line = { lineNo: 1, productId: 'p1', quantity: '1', unitPrice: '1.00', kind: 'product', placedAt: '2026-01-15T10:00:00Z' };

describe('salesFactOf', () => {
  it('keeps the order, its source and its lines as billed', () => {
    expect(factOf(orderEvent('shop', 7, SAMPLE_ORDERS[0]!))).toEqual({
      position: 7, eventId: 'e-o1', eventType: 'sales.order.placed', fact: 'placed', reason: null, source: 'web', orderId: 'o1', time: '2026-01-15T10:20:00.000Z', currency: 'EUR', country: 'DE', customerRef: 'sub_a',
      lines: [
        { lineNo: 1, kind: 'product', time: '2026-01-15T10:20:00.000Z', productId: 'p1', firstOfProduct: true, quantity: '2', unitPrice: '10.00' },
        { lineNo: 2, kind: 'postage', time: '2026-01-15T10:20:00.000Z', productId: 'POST', firstOfProduct: true, quantity: '1', unitPrice: '4.90' },
      ],
    });
  });

  it.each(['cancelled', 'returned', 'adjusted'])('knows an order that is %s', (fact) => {
    expect(factOf(orderEvent('shop', 1, { ...SAMPLE_ORDERS[3]!, fact }))?.fact).toBe(fact);
  });

  it.each(['sales.payment.captured', 'sales.payment.failed', 'sales.refund.issued'])('passes over %s, which bills nothing', (type) => {
    expect(factOf(storedEvent('shop', 1, type, 'x', '2026-01-01T00:00:00Z', {}))).toBeUndefined();
  });

  it('leaves customer and country empty when the order names none', () => {
    expect(factOf(order({ customer: undefined, country: undefined }))).toMatchObject({ customerRef: null, country: null });
  });

  it('keeps why an order was adjusted', () => {
    expect(factOf(orderEvent('shop', 1, SAMPLE_ORDERS[6]!))).toMatchObject({ fact: 'adjusted', reason: 'bad-debt' });
  });

  it('marks the first line of each product', () => {
    expect(factOf(order({ lines: [line, { ...line, productId: 'p2' }, line] }))?.lines.map((read) => read.firstOfProduct)).toEqual([true, true, false]);
  });

  it('numbers lines itself, so that repeated numbers of a producer do not collide', () => {
    expect(factOf(order({ lines: [line, line] }))?.lines.map((read) => read.lineNo)).toEqual([1, 2]);
  });

  it('brings a line\'s time to UTC', () => {
    expect(factOf(order({ lines: [{ ...line, placedAt: '2026-01-01T00:30:00+02:00' }] }))?.lines[0]?.time).toBe('2025-12-31T22:30:00.000Z');
  });

  it.each([
    ['/lines', { lines: 'none' }],
    ['/lines/0', { lines: [null] }],
    ['/lines/0/quantity', { lines: [{ ...line, quantity: 1 }] }],
    ['/lines/0/unitPrice', { lines: [{ ...line, unitPrice: '1e3' }] }],
    ['/lines/0/placedAt', { lines: [{ ...line, placedAt: 'yesterday' }] }],
    ['/lines/0/placedAt', { lines: [{ ...line, placedAt: '0000-01-01T00:00:00Z' }] }],
    ['/lines/0/productId', { lines: [{ ...line, productId: 'a\0b' }] }],
    ['/customer', { customer: 'sub_a' }],
    ['/customer/ref', { customer: { number: '17850' } }],
    ['/currency', { currency: undefined }],
    ['/country', { country: '' }],
    ['/reason', { reason: 7 }],
  ])('refuses an event it cannot read at %s, without repeating the value', (pointer, data) => {
    const { stored, data: read } = order(data);
    expect(() => salesFactOf(stored, read)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'order-unreadable', details: { pointer } }));
  });

  it('reads a quantity that was stored as a number like one stored as text', () => {
    const of = (quantity: unknown) => factOf(order({ lines: [{ ...line, quantity }] }))?.lines[0]?.quantity;
    expect([of(-6), of('-6'), of('0.250')]).toEqual(['-6', '-6', '0.250']);
  });
});

describe('the contracts of orders', () => {
  const billing = CONTRACTS.filter((contract) => BILLING_TYPES.includes(contract.type));

  it('are read in every version there is', () => {
    expect(billing.map((contract) => `${contract.type} ${contract.version}`).toSorted()).toEqual(BILLING_TYPES.flatMap((type) => [`${type} 1`, `${type} 2`]).toSorted());
  });

  it.each(billing)('$type version $version lets nothing in that cannot be read', (contract) => {
    const { data } = orderEvent('shop', 1, { ...SAMPLE_ORDERS[0]!, fact: contract.type.split('.')[2]! });
    const wire = contract.version === 1 ? data : upcast(contract.type, 1, data).data;
    const check = checkData(contract, { ...wire, customer: { number: '17850' } });
    expect(check).toMatchObject({ ok: true, dropped: [] });
    const { stored } = storedEvent('shop', 1, contract.type, 'e', '2026-01-01T00:00:00Z', {});
    expect(factOf({ stored: { ...stored, envelope: { ...stored.envelope, version: contract.version } }, data: wire })).toMatchObject({ orderId: 'o1', lines: [{ productId: 'p1' }, { productId: 'POST' }] });
  });
});
