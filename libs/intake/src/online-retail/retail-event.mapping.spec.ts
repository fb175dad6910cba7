import fc from 'fast-check';
import { checkData, checkWireEvent, findContract, type WireEvent } from '@millrace/contracts';
import { findingsOf } from './findings.ts';
import { addRow, type Invoice } from './invoice.ts';
import { retailEvents } from './retail-event.mapping.ts';
import { COLUMNS, rowReader } from './retail-row.ts';

type Line = readonly [invoice: string, code: string, description: string, quantity: string, date: string, price: string, customer: string, country: string];

const invoicesOf = (...lines: Line[]): Invoice[] => {
  const read = rowReader([...COLUMNS]);
  const invoices = new Map<string, Invoice>();
  lines.forEach((line, index) => addRow(invoices, read(line, index + 2)));
  return [...invoices.values()];
};
const eventsOf = (...lines: Line[]): WireEvent[] => [...retailEvents(invoicesOf(...lines))];
const typesOf = (events: readonly WireEvent[]): string[] => events.map((event) => event.type);
const dataOf = (events: readonly WireEvent[], type: string): unknown[] => events.filter((event) => event.type === type).map((event) => event.data);

const HEART: Line = ['536365', '85123A', 'HEART', '6', '2010-12-01 08:26:00', '2.55', '17850', 'United Kingdom'];
const POST: Line = ['536365', 'POST', 'POSTAGE', '1', '2010-12-01 08:27:00', '18.00', '17850', 'United Kingdom'];
const CANCEL: Line = ['C536379', 'D', 'Discount', '-1', '2010-12-01 09:41:00', '27.50', '14527', 'United Kingdom'];
const DEBT: Line = ['A563186', 'B', 'Adjust bad debt', '1', '2011-08-12 14:51:00', '-11062.06', '', 'United Kingdom'];

describe('events of invoices', () => {
  it('are products and customer at first sight, then the order', () => {
    expect(typesOf(eventsOf(HEART, POST))).toEqual(['merchandise.product.listed', 'merchandise.product.listed', 'customer.profile.registered', 'sales.order.placed']);
  });
  it('bill every line as it stands, each with its own time', () => {
    expect(dataOf(eventsOf(HEART, POST, HEART), 'sales.order.placed')).toEqual([{
      orderId: '536365', currency: 'GBP', country: 'United Kingdom', channel: 'import', customer: { number: '17850' },
      lines: [
        { lineNo: 1, productId: '85123A', description: 'HEART', quantity: 6, unitPrice: '2.55', kind: 'product', placedAt: '2010-12-01T08:26:00Z' },
        { lineNo: 2, productId: 'POST', description: 'POSTAGE', quantity: 1, unitPrice: '18.00', kind: 'postage', placedAt: '2010-12-01T08:27:00Z' },
        { lineNo: 3, productId: '85123A', description: 'HEART', quantity: 6, unitPrice: '2.55', kind: 'product', placedAt: '2010-12-01T08:26:00Z' },
      ],
    }]);
  });
  it('happen when the first line was billed', () => expect(eventsOf(POST, HEART).find((e) => e.type === 'sales.order.placed')?.time).toBe('2010-12-01T08:27:00Z'));
  it('are cancellations and adjustments by the letter of the invoice', () => {
    expect(typesOf(eventsOf(CANCEL, DEBT)).filter((type) => type.startsWith('sales.'))).toEqual(['sales.order.cancelled', 'sales.order.adjusted']);
    expect(dataOf(eventsOf(DEBT), 'sales.order.adjusted')).toEqual([expect.not.objectContaining({ customer: expect.anything() })]);
  });
  it('gather a scattered invoice at its first line', () => {
    const events = eventsOf(HEART, CANCEL, POST);
    expect(typesOf(events).filter((type) => type.startsWith('sales.'))).toEqual(['sales.order.placed', 'sales.order.cancelled']);
    expect(dataOf(events, 'sales.order.placed')).toEqual([expect.objectContaining({ lines: [expect.anything(), expect.anything()] })]);
  });
  it('list a product once, as first seen in the file, and never change a price', () => {
    const later: Line = HEART.with(0, '536370').with(2, 'HEART, RED').with(5, '2.95') as unknown as Line;
    const events = eventsOf(HEART, later);
    expect(dataOf(events, 'merchandise.product.listed')).toEqual([{ productId: '85123A', name: 'HEART' }]);
    expect(typesOf(events).filter((type) => type === 'merchandise.price.changed')).toEqual([]);
  });
  it('tell codes apart by case', () => {
    const upper: Line = ['1', '15056BL', 'A', '1', '2011-01-04 10:00:00', '1', '', 'France'];
    expect(dataOf(eventsOf(upper, ['1', '15056bl', 'B', '1', '2011-01-04 10:00:00', '1', '', 'France']), 'merchandise.product.listed')).toHaveLength(2);
  });
  it('leave out a description that is missing', () => {
    const events = eventsOf(['1', '22139', '', '56', '2011-01-04 10:00:00', '0.0', '', 'United Kingdom']);
    expect(dataOf(events, 'merchandise.product.listed')).toEqual([{ productId: '22139' }]);
    expect(JSON.stringify(dataOf(events, 'sales.order.placed'))).not.toContain('description');
  });
  it('say when a customer is billed in another country, and again when back', () => {
    const at = (invoice: string, country: string): Line => [invoice, '22423', 'CAKESTAND', '1', '2011-01-04 10:00:00', '12.75', '12370', country];
    const events = eventsOf(at('1', 'Cyprus'), at('2', 'Cyprus'), at('3', 'Austria'), at('4', 'Cyprus'));
    expect(dataOf(events, 'customer.profile.registered')).toEqual([{ customer: { number: '12370' }, country: 'Cyprus', channel: 'import' }]);
    expect(dataOf(events, 'customer.contact.changed')).toEqual([{ customer: { number: '12370' }, country: 'Austria' }, { customer: { number: '12370' }, country: 'Cyprus' }]);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });
  it('have these ids for ever: a changed id would bill a shop twice', () => {
    expect(eventsOf(HEART).map((event) => event.id)).toEqual(['08214f75-a4d9-5e42-964b-1ddd7198b179', '30fb7021-661a-558d-aa1b-270ca5443667', '19fd1250-8af4-51ff-82fa-814fce9ee4e4']);
  });
  it('do not carry a customer number in id, source or subject, nor one that could be guessed from them', () => {
    const one = eventsOf(HEART);
    const other = eventsOf(HEART.with(6, '99999') as unknown as Line);
    expect(one.map((event) => event.id)).toEqual(other.map((event) => event.id));
    expect(JSON.stringify(one.map((event) => ({ ...event, data: {} })))).not.toContain('17850');
  });
});

const line = fc.record({
  invoice: fc.constantFrom('1', '2', 'C3', 'A4', '5'), code: fc.constantFrom('22423', 'POST', 'M', 'S', 'zzz', 'gift_0001_10'), description: fc.constantFrom('', 'CAKE', 'damaged?', '£20 "voucher", big'),
  quantity: fc.integer({ min: -80_995, max: 80_995 }), minute: fc.integer({ min: 0, max: 59 }), price: fc.constantFrom('0.0', '2.55', '-1.5', '0.001'),
}).map(({ invoice, code, description, quantity, minute, price }): Line => {
  const customer = { 1: '17850', 2: '', C3: '17850', A4: '', 5: '12370' }[invoice] ?? '';
  return [invoice, code, description, String(quantity), `2011-01-04 10:${String(minute).padStart(2, '0')}:00`, price, customer, invoice === 'C3' ? 'France' : 'Spain'];
});

describe('any file', () => {
  it('gives events that fit their contracts with nothing dropped, each once', () => {
    fc.assert(fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const events = eventsOf(...lines);
      for (const event of events) {
        const contract = findContract(event.type, event.version ?? 1);
        expect(checkWireEvent(event).ok).toBe(true);
        expect(contract && checkData(contract, event.data)).toMatchObject({ ok: true, dropped: [] });
      }
      expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    }));
  });
  it('gives one order per invoice and one order line per line', () => {
    fc.assert(fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const orders = eventsOf(...lines).filter((event) => event.type.startsWith('sales.order.'));
      expect(orders).toHaveLength(new Set(lines.map(([invoice]) => invoice)).size);
      expect(orders.flatMap((order) => order.data.lines)).toHaveLength(lines.length);
    }));
  });
  it('is counted whole: kinds and invoices add up', () => {
    fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), (lines) => {
      const found = findingsOf(invoicesOf(...lines));
      expect(Object.values(found.linesByKind).reduce((a, b) => a + b, 0)).toBe(lines.length);
      expect(found.placed + found.cancelled + found.adjusted).toBe(found.invoices);
      expect(found.exactDuplicateLines).toBe(lines.length - new Set(lines.map((l) => JSON.stringify(l))).size);
      expect(found.gross.replace(/\.?0*$/, '') || '0').toBe(grossInMills(lines));
    }));
  });
});

/** The same sum another way: all prices have at most three decimals. */
const grossInMills = (lines: readonly Line[]): string => {
  const mills = lines.reduce((sum, [, , , quantity, , price]) => sum + Number(quantity) * Math.round(Number(price) * 1000), 0);
  const [sign, digits] = [mills < 0 ? '-' : '', String(Math.abs(mills)).padStart(4, '0')];
  return `${sign}${digits.slice(0, -3)}.${digits.slice(-3)}`.replace(/\.?0*$/, '') || '0';
};
