import { DomainError } from '@millrace/kernel';
import { addRow, type Invoice } from './invoice.ts';
import { COLUMNS, rowReader, type RetailRow } from './retail-row.ts';

const read = rowReader([...COLUMNS]);
const row = (line: number, invoiceNo: string, customer = '17850', country = 'France'): RetailRow => read([invoiceNo, '22423', 'CAKESTAND', '1', '2011-01-04 10:00:00', '12.75', customer, country], line);
const grouped = (...rows: RetailRow[]): Map<string, Invoice> => {
  const invoices = new Map<string, Invoice>();
  for (const each of rows) addRow(invoices, each);
  return invoices;
};

describe('invoices', () => {
  it('gather their lines from the whole file, in order', () => {
    const invoices = grouped(row(2, '1'), row(3, '2'), row(4, '1'), row(5, '3'), row(6, '1'));
    expect([...invoices.values()].map((invoice) => [invoice.invoiceNo, invoice.rows.map((r) => r.line)])).toEqual([['1', [2, 4, 6]], ['2', [3]], ['3', [5]]]);
  });
  it('keep equal lines: they were billed', () => expect(grouped(row(2, '1'), row(3, '1')).get('1')?.rows).toHaveLength(2));
  it.each([['customer', row(3, '1', '17851')], ['missing customer', row(3, '1', '')], ['country', row(3, '1', '17850', 'Spain')]])('with another %s on a later line are a fault without the value', (_name, later) => {
    expect(() => grouped(row(2, '1'), later)).toThrow('Line 3: expected the customer and country that invoice 1 has on line 2; got another.');
    expect(() => grouped(row(2, '1'), later)).not.toThrow(/1785|Spain/);
  });
  it('have at most 5,000 lines', () => {
    const invoices = grouped(...Array.from({ length: 5000 }, (_, i) => row(i + 2, '1')));
    expect(() => addRow(invoices, row(5002, '1'))).toThrow(DomainError);
    expect(invoices.get('1')?.rows).toHaveLength(5000);
  });
});
