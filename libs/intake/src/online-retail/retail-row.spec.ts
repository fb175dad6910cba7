import fc from 'fast-check';
import { DomainError } from '@millrace/kernel';
import { COLUMNS, rowReader } from './retail-row.ts';

const HEADER = [...COLUMNS];
const GOOD = ['536365', '85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', '6', '2010-12-01 08:26:00', '2.55', '17850', 'United Kingdom'];
const read = rowReader(HEADER);
const withValue = (column: (typeof COLUMNS)[number], value: string): string[] => GOOD.with(HEADER.indexOf(column), value);
const faultOf = (run: () => unknown): DomainError => {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('expected a fault');
};

describe('a row', () => {
  it('is read with its kind and its time in UTC', () => {
    expect(read(GOOD, 2)).toEqual({
      line: 2, invoiceNo: '536365', stockCode: '85123A', kind: 'product', listed: true, description: 'WHITE HANGING HEART T-LIGHT HOLDER', quantity: 6,
      unitPrice: '2.55', time: '2010-12-01T08:26:00Z', customerNumber: '17850', country: 'United Kingdom',
    });
  });
  it('is found by column names in any order, among others', () => {
    const header = ['Remark', ...HEADER.toReversed()];
    expect(rowReader(header)(['x', ...GOOD.toReversed()], 2)).toEqual(read(GOOD, 2));
  });
  it('may have no description and no customer', () => {
    expect(read(withValue('Description', '').with(HEADER.indexOf('CustomerID'), ''), 9)).toMatchObject({ description: '', customerNumber: '' });
  });
  it.each([['-80995', -80995], ['0', 0], ['-0', 0]])('has the quantity %s as billed', (text, quantity) => expect(read(withValue('Quantity', text), 2).quantity).toBe(quantity));
  it.each(['0', '0.001', '-11062.06', '38970.0', '2.550'])('keeps the price %s as it is written', (price) => expect(read(withValue('UnitPrice', price), 2).unitPrice).toBe(price));

  it.each([
    ['InvoiceNo', 'X536365', 'an invoice number'], ['InvoiceNo', '', 'an invoice number'], ['InvoiceNo', 'C', 'an invoice number'],
    ['StockCode', '', 'a stock code'],
    ['Description', 'a\u0000b', 'a description'], ['Description', 'x'.repeat(201), 'a description'],
    ['Quantity', '6.5', 'a whole number'], ['Quantity', 'six', 'a whole number'], ['Quantity', '', 'a whole number'], ['Quantity', '1,000', 'a whole number'], ['Quantity', '9999999999', 'a whole number'],
    ['InvoiceDate', '12/1/2010 8:26', 'a date and time'], ['InvoiceDate', '2010-12-01', 'a date and time'], ['InvoiceDate', '2011-02-29 08:26:00', 'a date and time'], ['InvoiceDate', '2010-12-01 24:00:00', 'a date and time'], ['InvoiceDate', '2010-12-01 08:60:00', 'a date and time'],
    ['UnitPrice', '2,55', 'a price'], ['UnitPrice', '£2.55', 'a price'], ['UnitPrice', '1e3', 'a price'], ['UnitPrice', '', 'a price'], ['UnitPrice', 'NaN', 'a price'],
    ['CustomerID', '17850.0', 'a customer number'], ['CustomerID', 'ann@shop.example', 'a customer number'],
    ['Country', '', 'a country'],
  ] as const)('with %s %p is a fault that names line, column and expectation', (column, value, expected) => {
    const fault = faultOf(() => read(withValue(column, value), 4711));
    expect(fault).toMatchObject({ kind: 'invalid', code: 'file-value-malformed', details: { line: 4711 } });
    expect(fault.message).toMatch(new RegExp(`^Line 4711: expected ${expected}.* in column ${column}; got `));
    expect(fault.message).toContain('Correct this line');
    expect(fault.message).toContain('Nothing was sent.');
  });
  it('says nothing about a customer but the length of what came', () => {
    const fault = faultOf(() => read(withValue('CustomerID', 'ann@shop.example'), 3));
    expect(fault.message).toContain('another text of 16 characters');
    expect(JSON.stringify([fault.message, fault.details])).not.toContain('ann');
  });
  it('cuts what it shows', () => expect(faultOf(() => read(withValue('Quantity', 'x'.repeat(5000)), 3)).message.length).toBeLessThan(300));
  it('is read or refused, whatever stands in it', () => {
    fc.assert(fc.property(fc.array(fc.string(), { minLength: 8, maxLength: 8 }), (record) => {
      expect(faultOf(() => { read(record, 5); throw new DomainError('invalid', 'file-read'); }).code).toMatch(/^file-/);
    }));
  });
  it('comes back with every valid price and quantity unchanged', () => {
    const price = fc.tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 14n }), fc.constantFrom('', '.0', '.55', '.001')).map((parts) => parts.join(''));
    fc.assert(fc.property(price, fc.integer({ min: -999_999_999, max: 999_999_999 }), (unitPrice, quantity) => {
      const row = read(withValue('UnitPrice', unitPrice).with(HEADER.indexOf('Quantity'), String(quantity)), 2);
      expect([row.unitPrice, row.quantity]).toEqual([unitPrice, quantity]);
    }));
  });
});

describe('the header', () => {
  it.each(COLUMNS)('without %s is a fault that names it and all columns', (column) => {
    const fault = faultOf(() => rowReader(HEADER.filter((name) => name !== column)));
    expect(fault.code).toBe('file-column-missing');
    expect(fault.message).toContain(`Line 1: expected the column ${column};`);
    expect(fault.message).toContain(COLUMNS.join(','));
  });
  it('names all that are missing', () => expect(faultOf(() => rowReader(['InvoiceNo', 'Price'])).message).toContain('the columns StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country'));
  it('may not name a column twice', () => expect(faultOf(() => rowReader([...HEADER, 'Country'])).code).toBe('file-column-repeated'));
});
