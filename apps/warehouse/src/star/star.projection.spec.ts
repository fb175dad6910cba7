import { describe, expect, it } from '@jest/globals';
import { checkData, newestContract } from '@millrace/contracts';
import { compareDecimal, formatDecimal, parseDecimal, type DomainError } from '@millrace/kernel';
import fc from 'fast-check';
import { decimal } from './field-reader.ts';
import { feedsStar, starRowsOf } from './star.projection.ts';
import type { StarRows } from './star-row.model.ts';

const at = '2026-01-15T10:20:00.500Z';
const line = { lineNo: 7, productId: 'p1', description: 'Lamp', quantity: '-2', unitPrice: '2.555', kind: 'product', placedAt: at };
const order = { orderId: 'o1', currency: 'EUR', country: 'DE', customer: { ref: 'sub_a' }, lines: [line] };

const rowsOf = (type: string, data: Record<string, unknown>): StarRows =>
  starRowsOf({ envelope: { specversion: '1.0', id: 'e1', source: 's', type, version: 2, tenant: 't', stream: 'x', time: at, receivedtime: at, recordedtime: at, via: 'web', fingerprint: '' } }, data);

const faultOf = (work: () => unknown): Pick<DomainError, 'kind' | 'code' | 'details'> => {
  try {
    work();
  } catch (error) {
    const { kind, code, details } = error as DomainError;
    return { kind, code, details };
  }
  throw new Error('nothing was thrown');
};

describe('an order fact', () => {
  it.each(['placed', 'cancelled', 'returned', 'adjusted'])('%s becomes a row per line, as billed, with the line\'s own time', (billing) => {
    const { orderLines, productFacts, customerFacts } = rowsOf(`sales.order.${billing}`, { ...order, lines: [line, { ...line, quantity: '0.25', kind: 'postage', description: undefined }] });
    expect([productFacts, customerFacts]).toEqual([[], []]);
    expect(orderLines).toMatchObject([
      { lineNo: 1, orderId: 'o1', billing, lineKind: 'product', atMs: Date.parse(at), country: 'DE', productId: 'p1', description: 'Lamp', customerRef: 'sub_a', currency: 'EUR' },
      { lineNo: 2, lineKind: 'postage', description: null },
    ]);
    expect(orderLines.map(({ amount }) => formatDecimal(amount))).toEqual(['-5.110', '0.63875']);
  });

  it('keeps why it was adjusted', () => {
    expect([{ reason: 'bad-debt' }, {}].map((rest) => rowsOf('sales.order.adjusted', { ...order, ...rest }).orderLines[0]?.reason)).toEqual(['bad-debt', null]);
  });

  it('without customer and country has neither', () => {
    expect(rowsOf('sales.order.placed', { orderId: 'o1', currency: 'EUR', lines: [line] }).orderLines).toMatchObject([{ customerRef: null, country: null }]);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ['no lines', { ...order, lines: undefined }, 'event-unreadable', '/lines'],
    ['a line that is none', { ...order, lines: ['x'] }, 'event-unreadable', '/lines/0'],
    ['a quantity as a number, which no newest version has', { ...order, lines: [{ ...line, quantity: 2 }] }, 'event-unreadable', '/lines/0/quantity'],
    ['a price as a float', { ...order, lines: [{ ...line, unitPrice: 2.5 }] }, 'event-unreadable', '/lines/0/unitPrice'],
    ['a price with an exponent', { ...order, lines: [{ ...line, unitPrice: '1e3' }] }, 'event-unreadable', '/lines/0/unitPrice'],
    ['a price finer than the star keeps', { ...order, lines: [{ ...line, unitPrice: '0.0000001' }] }, 'decimal-out-of-range', '/lines/0/unitPrice'],
    ['a quantity larger than the star keeps', { ...order, lines: [line, { ...line, quantity: '1234567890123' }] }, 'decimal-out-of-range', '/lines/1/quantity'],
    ['a time that is none', { ...order, lines: [{ ...line, placedAt: 'soon' }] }, 'event-unreadable', '/lines/0/placedAt'],
    ['an unsealed number for a customer', { ...order, customer: { number: '17850' } }, 'event-unreadable', '/customer/ref'],
    ['an empty order id', { ...order, orderId: '' }, 'event-unreadable', '/orderId'],
  ])('with %s is refused, and says where', (_, data, code, pointer) => {
    expect(faultOf(() => rowsOf('sales.order.placed', data))).toEqual({ kind: 'invalid', code, details: { pointer } });
  });
});

describe('a product fact', () => {
  it('keeps what the listing says, and nothing it does not say', () => {
    expect(rowsOf('merchandise.product.listed', { productId: 'p1', name: 'Lamp', price: '9.90', currency: 'EUR' }).productFacts)
      .toEqual([{ fact: 'listed', atMs: Date.parse(at), productId: 'p1', name: 'Lamp', category: null, price: parseDecimal('9.9'), currency: 'EUR', validFromMs: null }]);
    expect(rowsOf('merchandise.product.retired', { productId: 'p1', reason: 'old' }).productFacts).toMatchObject([{ fact: 'retired', name: null, price: null }]);
    expect(rowsOf('merchandise.price.changed', { productId: 'p1', price: '8', currency: 'EUR', validFrom: at }).productFacts).toMatchObject([{ fact: 'priced', price: parseDecimal('8'), validFromMs: Date.parse(at) }]);
  });
});

describe('a customer fact', () => {
  it('is a reference and a country: nothing sealed and nothing personal', () => {
    const data = { customer: { ref: 'sub_a', number: { $sealed: { box: 'x' } }, name: { $sealed: { box: 'y' } } }, country: 'DE' };
    expect(rowsOf('customer.profile.registered', data).customerFacts).toEqual([{ fact: 'registered', atMs: Date.parse(at), customerRef: 'sub_a', country: 'DE' }]);
    expect(rowsOf('customer.contact.changed', { customer: { ref: 'sub_a' }, contact: { email: { $sealed: {} } } }).customerFacts).toEqual([{ fact: 'changed', atMs: Date.parse(at), customerRef: 'sub_a', country: null }]);
  });
});

it('takes nothing from other events, whatever they hold', () => {
  expect(rowsOf('clickstream.page.viewed', { anything: 1 })).toEqual({ orderLines: [], productFacts: [], customerFacts: [] });
  expect([feedsStar('sales.order.placed'), feedsStar('sales.payment.captured'), feedsStar('toString')]).toEqual([true, false, false]);
});

describe('decimal', () => {
  it('keeps every value of twelve digits before and six after the point', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), fc.integer({ min: 0, max: 6 }), (units, scale) => {
      const whole = units / 10n ** BigInt(6 - scale);
      const text = `${whole < 0n ? '-' : ''}${(whole < 0n ? -whole : whole).toString().padStart(scale + 1, '0')}`;
      const written = scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
      const read = decimal(written, '/x');
      expect(read.units * 10n ** BigInt(6 - read.scale)).toBe(whole * 10n ** BigInt(6 - scale));
    }));
  });

  it('keeps whatever an order line may come in with', () => {
    const contract = newestContract('sales.order.placed')!;
    const comesIn = (unitPrice: string): boolean => checkData(contract, { ...order, customer: undefined, lines: [{ ...line, unitPrice }] }).ok;
    expect(comesIn('999999999999.999999')).toBe(true);
    fc.assert(fc.property(fc.stringMatching(/^-?\d{1,14}(\.\d{1,8})?$/), (unitPrice) => {
      fc.pre(comesIn(unitPrice));
      expect(compareDecimal(decimal(unitPrice, '/x'), parseDecimal(unitPrice))).toBe(0);
    }));
  });

  it('does not mind zeros at the end', () => {
    expect(decimal('1.500000000000', '/x')).toEqual(parseDecimal('1.5'));
    expect(decimal('100', '/x')).toEqual(parseDecimal('100'));
    expect(decimal('0.00', '/x')).toEqual(parseDecimal('0'));
  });
});
