import fc from 'fast-check';
import { checkData } from './check-data.ts';
import { FIXTURES } from './fixtures/frozen.ts';
import { findContract } from './registry.ts';
import { checkStored } from './stored-form.ts';

const check = (type: string, data: unknown) => {
  const contract = findContract(type, 1);
  if (contract === undefined) throw new Error(`unknown ${type}`);
  return checkData(contract, data);
};
const line = { lineNo: 1, productId: '22423', quantity: 1, unitPrice: '12.75', kind: 'product', placedAt: '2011-01-04T10:00:00Z' };
const order = { orderId: '539993', currency: 'GBP', lines: [line] };
const place = (change: Record<string, unknown>) => check('sales.order.placed', { ...order, ...change });
const withLine = (change: Record<string, unknown>) => place({ lines: [line, { ...line, ...change }] });

describe('an order', () => {
  it('without customer, country and description is fine', () => expect(place({})).toEqual({ ok: true, data: order, dropped: [] }));
  it('is stored without what the contract does not name', () => {
    expect(place({ loyaltyTier: 'gold', lines: [{ ...line, margin: '3.10' }] })).toEqual({ ok: true, data: order, dropped: expect.arrayContaining(['/loyaltyTier', '/lines/0/margin']) });
  });
  it.each([
    ['an integer', -12], ['text', '-12'], ['a weight', '0.250'], ['zero', 0],
  ])('takes a quantity that is %s', (_name, quantity) => expect(withLine({ quantity }).ok).toBe(true));
  it.each([
    ['a fraction that is a float', 0.25], ['beyond bounds', 2e9], ['with exponent', '1e3'], ['null', null], ['NaN text', 'NaN'], ['an empty text', ''],
  ])('refuses a quantity that is %s', (_name, quantity) => {
    expect(withLine({ quantity })).toEqual({ ok: false, pointer: '/lines/1/quantity', reason: expect.stringContaining('expected a quantity: an integer within ±1,000,000,000, or a decimal as text') });
  });
  it.each([2.55, '2,55', '1e2', '.5', '5.', '+1', '', ' 1', '1'.repeat(21), `1.${'0'.repeat(13)}`])('refuses the unit price %p', (unitPrice) => {
    expect(withLine({ unitPrice })).toMatchObject({ ok: false, pointer: '/lines/1/unitPrice' });
  });
  it.each([['unitPrice', '0.1234567'], ['unitPrice', '1000000000000.00'], ['quantity', '0.1234567'], ['quantity', '-1000000000000']])('refuses a %s of %s, which not every reader could hold', (field, value) => {
    expect(withLine({ [field]: value })).toMatchObject({ ok: false, pointer: `/lines/1/${field}`, reason: expect.stringContaining('at most 12 digits before and 6 after the point') });
  });
  it('keeps prices of three and more decimals', () => expect(withLine({ unitPrice: '0.001' }).ok).toBe(true));
  it.each(['2011-02-30T00:00:00Z', '2011-13-01T00:00:00Z', '2011-01-04 10:00:00Z', '2011-01-04T10:00:00', '2011-01-04T23:59:60Z', '2011-01-04', '1900-02-29T00:00:00Z'])('refuses the time %s', (placedAt) => {
    expect(withLine({ placedAt })).toMatchObject({ ok: false, pointer: '/lines/1/placedAt', reason: expect.stringContaining('a date and time with an offset') });
  });
  it.each(['2012-02-29T00:00:00.123456Z', '2000-02-29T23:59:59+14:00', '2011-01-04T10:00:00-00:30'])('takes the time %s', (placedAt) => expect(withLine({ placedAt }).ok).toBe(true));
  it('needs between one and 5,000 lines', () => {
    expect(place({ lines: [] })).toEqual({ ok: false, pointer: '/lines', reason: 'expected at least 1 elements, got an array of 0' });
    expect(place({ lines: Array.from({ length: 5001 }, () => line) })).toEqual({ ok: false, pointer: '/lines', reason: 'expected at most 5000 elements, got an array of 5001' });
    expect(place({ lines: Array.from({ length: 5000 }, () => line) }).ok).toBe(true);
  });
  it.each([['a control character', 'a\u0000b'], ['a lone surrogate', 'a\ud800'], ['nothing', ''], ['129 characters', 'x'.repeat(129)]])('refuses an id with %s', (_name, orderId) => {
    expect(place({ orderId })).toMatchObject({ ok: false, pointer: '/orderId' });
  });
  it('names a missing field by its own pointer', () => {
    const { unitPrice: _, ...incomplete } = line;
    expect(place({ lines: [line, incomplete] })).toEqual({ ok: false, pointer: '/lines/1/unitPrice', reason: 'expected a value here: the field is required, and it is missing' });
  });
  it('lists the words a field may be', () => expect(withLine({ kind: 'gift' })).toMatchObject({ reason: 'expected one of product, postage, bank-charge, manual, fee, discount, adjustment, sample, other, got a text of 4 characters' }));
  it.each([null, undefined, 7, 'text', true, [], [[]]])('refuses %p in place of data', (data) => expect(check('sales.order.placed', data)).toMatchObject({ ok: false, pointer: '' }));
});

describe('amounts', () => {
  const paid = { paymentId: 'p', orderId: 'o', amount: '10.00', currency: 'EUR', method: 'card' };
  it.each<[string, Record<string, unknown>, string, string]>([
    ['sales.refund.issued', { refundId: 'r', orderId: 'o', amount: '-10.00', currency: 'EUR' }, '/amount', 'above zero'],
    ['sales.refund.issued', { refundId: 'r', orderId: 'o', amount: '0.00', currency: 'EUR' }, '/amount', 'above zero'],
    ['sales.payment.captured', { ...paid, amount: '-10.00' }, '/amount', 'above zero'],
    ['sales.payment.failed', { ...paid, reason: 'declined', amount: '-10.00' }, '/amount', 'above zero'],
    ['merchandise.price.changed', { productId: 'p', price: '-1.5', currency: 'EUR' }, '/price', 'of zero or more'],
    ['merchandise.price.changed', { productId: 'p', price: '1.5', previousPrice: '-1', currency: 'EUR' }, '/previousPrice', 'of zero or more'],
    ['merchandise.product.listed', { productId: 'p', price: '-1.5', currency: 'EUR' }, '/price', 'of zero or more'],
  ])('of %s are not %j', (type, data, pointer, expected) => {
    expect(check(type, data)).toMatchObject({ ok: false, pointer, reason: expect.stringContaining(`a decimal ${expected}`) });
  });
  it('are negative where the books have them so', () => expect(withLine({ unitPrice: '-11062.06', quantity: -1 }).ok).toBe(true));
  it('let in before stay readable', () => {
    const stored = findContract('sales.refund.issued', 1)!;
    expect(checkStored(stored, { refundId: 'r', orderId: 'o', amount: '-10.0000000001', currency: 'EUR' })).toBeUndefined();
  });
});

describe('persons', () => {
  it('need an identifier', () => expect(place({ customer: {} })).toEqual({ ok: false, pointer: '/customer', reason: 'expected a customer with at least one of number and email, got an object' }));
  it('lose what is not an identifier', () => expect(place({ customer: { number: '1', name: 'Ann' } })).toMatchObject({ ok: true, data: { customer: { number: '1' } }, dropped: ['/customer/name'] }));
  it('are linked by two identifiers', () => {
    expect(check('customer.identity.linked', { customer: { number: '1' }, method: 'login' })).toMatchObject({ ok: false, pointer: '/customer' });
    expect(check('customer.identity.linked', { customer: { number: '1', visitorId: 'v' }, method: 'login' }).ok).toBe(true);
  });
  it('register with a number or an e-mail', () => {
    expect(check('customer.profile.registered', { customer: { name: 'Ann' } })).toMatchObject({ ok: false, pointer: '/customer', reason: expect.stringContaining('at least one of number and email') });
    expect(check('customer.profile.registered', { customer: { email: 'a@b.example' } }).ok).toBe(true);
  });
  it('cannot send a reference of their own choosing', () => expect(place({ customer: { ref: 'sub_1' } })).toMatchObject({ ok: false, pointer: '/customer' }));
});

describe('clickstream', () => {
  it.each(['/a?email=ann@shop.example', '/a#x', 'a', 'https://shop.example/'])('refuses the path %s, where personal data hides', (path) => {
    expect(check('clickstream.page.viewed', { sessionId: 's', path })).toMatchObject({ ok: false, pointer: '/path' });
  });
  it.each(['192.0.2.7', '2001:db8::1', '::ffff:192.0.2.7'])('takes the address %s', (ip) => expect(check('clickstream.page.viewed', { sessionId: 's', path: '/', ip }).ok).toBe(true));
});

describe('merchandise', () => {
  it('asks for a currency beside a price', () => expect(check('merchandise.product.listed', { productId: 'p', price: '1.00' })).toMatchObject({ ok: false }));
});

const canary = 'CANARY-4711@x.example';
/** Each way to put the canary in the place of, or next to, something in the data. */
const poison = (value: unknown): unknown[] => {
  if (typeof value !== 'object' || value === null) return [[canary], { [canary]: canary }, `${canary}\u0000`, `\ud800${canary}`, `${canary}${'x'.repeat(6000)}`];
  if (Array.isArray(value)) return [canary, ...value.flatMap((v, i) => poison(v).map((p) => value.with(i, p)))];
  return [canary, ...Object.entries(value).flatMap(([name, child]) => poison(child).map((p) => ({ ...value, [name]: p })))];
};

describe('a refusal', () => {
  it.each(FIXTURES.map((f) => [f.type, f] as const))('of %s never repeats a value', (type, fixture) => {
    const refusals = poison(fixture.data).map((data) => check(type, data)).filter((answer) => !answer.ok);
    expect(refusals.length).toBeGreaterThan(Object.keys(fixture.data).length);
    expect(JSON.stringify(refusals)).not.toContain('CANARY');
  });
  it('or an acceptance follows for any JSON, never an exception', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(...FIXTURES), (value, { type }) => {
      expect(check(type, value)).toHaveProperty('ok');
    }));
  });
});
