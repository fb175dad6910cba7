import { findingsOf, type RetailFindings } from './findings.ts';
import { addRow, type Invoice } from './invoice.ts';
import { COLUMNS, rowReader } from './retail-row.ts';

interface Line {
  readonly invoice?: string;
  readonly code?: string;
  readonly description?: string;
  readonly quantity?: string;
  readonly date?: string;
  readonly price?: string;
  readonly customer?: string;
  readonly country?: string;
}

/** An ordinary line, changed in what a case is about. */
const recordOf = (line: Line): string[] => [
  line.invoice ?? '536365',
  line.code ?? '22423',
  line.description ?? 'CAKESTAND',
  line.quantity ?? '1',
  line.date ?? '2011-01-04 10:00:00',
  line.price ?? '12.75',
  line.customer ?? '17850',
  line.country ?? 'France',
];

const found = (...lines: Line[]): RetailFindings => {
  const read = rowReader([...COLUMNS]);
  const invoices = new Map<string, Invoice>();
  lines.forEach((line, index) => addRow(invoices, read(recordOf(line), index + 2)));
  return findingsOf([...invoices.values()]);
};

describe('what is found', () => {
  it('of an ordinary line is nothing odd', () => {
    expect(found({})).toEqual({
      lines: 1, invoices: 1, placed: 1, cancelled: 0, adjusted: 0, products: 1, customers: 1, countries: 1,
      firstTime: '2011-01-04T10:00:00Z', lastTime: '2011-01-04T10:00:00Z', gross: '12.75',
      cancellationLines: 0, adjustmentLines: 0,
      linesWithoutCustomer: 0, linesWithoutDescription: 0, linesWithZeroPrice: 0, linesWithNegativePrice: 0,
      linesWithNegativeQuantity: 0, negativeQuantityNotCancelled: 0, exactDuplicateLines: 0,
      linesByKind: { product: 1 }, unlistedCodes: [],
      customersWithSeveralCountries: 0, invoicesWithSeveralTimes: 0, scatteredInvoices: 0,
    });
  });

  it.each<[keyof RetailFindings, Line[], number]>([
    ['linesWithoutCustomer', [{ customer: '' }, { customer: '' }], 2],
    ['linesWithoutDescription', [{ description: '' }, {}], 1],
    ['linesWithZeroPrice', [{ price: '0' }, { price: '0.00' }, { price: '-0.0' }, { price: '0.001' }], 3],
    ['linesWithNegativePrice', [{ price: '-11062.06' }, { price: '-0.0' }], 1],
    ['linesWithNegativeQuantity', [{ quantity: '-1' }, { invoice: 'C1', quantity: '-1' }, { quantity: '0' }], 2],
    ['negativeQuantityNotCancelled', [{ quantity: '-1' }, { invoice: 'C1', quantity: '-1' }], 1],
    ['cancelled', [{ invoice: 'C1' }, { invoice: 'C1' }, { invoice: 'C2' }, {}], 2],
    ['cancellationLines', [{ invoice: 'C1' }, { invoice: 'C1' }, { invoice: 'C2' }, {}], 3],
    ['adjusted', [{ invoice: 'A1' }, { invoice: 'A2' }], 2],
    ['adjustmentLines', [{ invoice: 'A1' }, { invoice: 'A1' }], 2],
    ['placed', [{ invoice: '1' }, { invoice: 'C1' }, { invoice: 'A1' }], 1],
    ['products', [{ code: '15056BL' }, { code: '15056bl' }, { code: '15056BL' }], 2],
    ['customers', [{ invoice: '1' }, { invoice: '2' }, { invoice: '3', customer: '' }, { invoice: '4', customer: '1' }], 2],
    ['countries', [{ invoice: '1' }, { invoice: '2', country: 'Spain' }, { invoice: '3', country: 'EIRE', customer: '' }], 3],
  ])('%s counts exactly them', (name, lines, count) => expect(found(...lines)[name]).toBe(count));

  it.each<[string, Line[], number]>([
    ['an equal line of the same invoice', [{}, {}, {}], 2],
    ['not another quantity', [{}, { quantity: '2' }], 0],
    ['not another price, not even one that is equal as a number', [{}, { price: '12.750' }], 0],
    ['not another minute', [{}, { date: '2011-01-04 10:01:00' }], 0],
    ['not another description', [{}, { description: 'CAKESTAND ' }], 0],
    ['not another invoice', [{}, { invoice: '536366' }], 0],
    ['also when other lines stand between', [{}, { code: '22424' }, {}], 1],
  ])('an exact duplicate is %s', (_name, lines, count) => expect(found(...lines).exactDuplicateLines).toBe(count));

  it.each<[string, Line[], number]>([
    ['its lines have others between them', [{}, { invoice: '1' }, {}], 1],
    ['not when they follow each other', [{}, {}, { invoice: '1' }], 0],
    ['counted once, however often', [{}, { invoice: '1' }, {}, { invoice: '2' }, {}], 1],
  ])('an invoice is scattered when %s', (_name, lines, count) => expect(found(...lines).scatteredInvoices).toBe(count));

  it.each<[string, Line[], number]>([
    ['invoices in two countries', [{ invoice: '1' }, { invoice: '2', country: 'Spain' }], 1],
    ['not the same country twice', [{ invoice: '1' }, { invoice: '2' }], 0],
    ['nobody without a number', [{ invoice: '1', customer: '' }, { invoice: '2', customer: '', country: 'Spain' }], 0],
  ])('a customer has several countries by %s', (_name, lines, count) => expect(found(...lines).customersWithSeveralCountries).toBe(count));

  it('names codes without a rule once, sorted', () => {
    expect(found({ code: 'ZZZ' }, { code: 'AAA' }, { code: 'ZZZ' }, { code: 'gift_0001_20' }).unlistedCodes).toEqual(['AAA', 'ZZZ']);
  });
  it('knows the first and last time, whatever the order of lines', () => {
    expect(found({ date: '2011-01-04 10:01:00' }, { date: '2010-12-01 08:26:00' }, { date: '2011-01-04 10:00:00' }))
      .toMatchObject({ firstTime: '2010-12-01T08:26:00Z', lastTime: '2011-01-04T10:01:00Z', invoicesWithSeveralTimes: 1 });
  });
  it('adds up to the last decimal', () => {
    expect(found({ price: '0.001', quantity: '3' }, { price: '2.55', quantity: '-2' }, { price: '-11062.06' }).gross).toBe('-11067.157');
    expect(found({ price: '0.1', quantity: '1' }, { price: '0.2', quantity: '1' }).gross).toBe('0.3');
  });
});
