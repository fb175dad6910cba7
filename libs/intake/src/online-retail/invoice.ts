import { fileFault } from './file-fault.ts';
import type { RetailRow } from './retail-row.ts';

/** All lines of one invoice number, in the file's order, wherever in the file they stand. */
export interface Invoice {
  readonly invoiceNo: string;
  readonly customerNumber: string;
  readonly country: string;
  readonly rows: RetailRow[];
}

/** As many lines as the contract of an order takes. */
const MAX_LINES = 5000;

const sameBuyer = (invoice: Invoice, row: RetailRow): boolean => row.customerNumber === invoice.customerNumber && row.country === invoice.country;

/** Adds a row to its invoice; invoices keep the order of their first lines. Throws when the rows of an invoice contradict each other. */
export const addRow = (invoices: Map<string, Invoice>, row: RetailRow): void => {
  const invoice = invoices.get(row.invoiceNo);
  if (invoice === undefined) {
    invoices.set(row.invoiceNo, { invoiceNo: row.invoiceNo, customerNumber: row.customerNumber, country: row.country, rows: [row] });
    return;
  }
  const remedy = 'Correct the file: one invoice is one order of one customer.';
  const { line, invoiceNo } = row;
  if (!sameBuyer(invoice, row)) throw fileFault({ code: 'invoice-contradictory', line, expected: `the customer and country that invoice ${invoiceNo} has on line ${invoice.rows[0]?.line}`, came: 'another', remedy });
  if (invoice.rows.length === MAX_LINES) throw fileFault({ code: 'invoice-too-long', line, expected: `at most ${MAX_LINES} lines of invoice ${invoiceNo}`, came: 'more', remedy });
  invoice.rows.push(row);
};
