import { addDecimal, formatDecimal, multiplyDecimal, parseDecimal, ZERO, type Decimal, type DecimalText } from '@millrace/kernel';
import type { OrderLineKind } from '@millrace/contracts';
import type { Invoice } from './invoice.ts';
import type { RetailRow } from './retail-row.ts';

/** What the file holds, oddities included: everything here is imported as billed, nothing is corrected. */
export interface RetailFindings {
  readonly lines: number;
  readonly invoices: number;
  readonly placed: number;
  readonly cancelled: number;
  readonly adjusted: number;
  readonly products: number;
  readonly customers: number;
  readonly countries: number;
  readonly firstTime: string;
  readonly lastTime: string;
  /** Sum of quantity times unit price over all lines, in the file's currency. */
  readonly gross: DecimalText;
  readonly cancellationLines: number;
  readonly adjustmentLines: number;
  readonly linesWithoutCustomer: number;
  readonly linesWithoutDescription: number;
  readonly linesWithZeroPrice: number;
  readonly linesWithNegativePrice: number;
  readonly linesWithNegativeQuantity: number;
  readonly negativeQuantityNotCancelled: number;
  /** Lines equal in all columns to an earlier one: kept, they were billed. */
  readonly exactDuplicateLines: number;
  readonly linesByKind: Readonly<Partial<Record<OrderLineKind, number>>>;
  /** Stock codes the mapping has no rule for, counted as `other`. */
  readonly unlistedCodes: readonly string[];
  readonly customersWithSeveralCountries: number;
  readonly invoicesWithSeveralTimes: number;
  readonly scatteredInvoices: number;
}

/** Columns are joined by a control character, which no column may hold. */
const duplicatesIn = (rows: readonly RetailRow[]): number =>
  rows.length - new Set(rows.map((row) => `${row.stockCode}\n${row.description}\n${row.quantity}\n${row.time}\n${row.unitPrice}`)).size;

const isScattered = ({ rows }: Invoice): boolean => rows.some((row, index) => index > 0 && row.line - (rows[index - 1]?.line ?? 0) > 1);

const severalCountries = (invoices: readonly Invoice[]): { customers: number; moved: number } => {
  const countries = new Map<string, Set<string>>();
  for (const { customerNumber, country } of invoices) {
    if (customerNumber !== '') countries.set(customerNumber, (countries.get(customerNumber) ?? new Set()).add(country));
  }
  return { customers: countries.size, moved: [...countries.values()].filter((set) => set.size > 1).length };
};

const grossOf = (rows: readonly RetailRow[]): Decimal =>
  rows.reduce((sum, row) => addDecimal(sum, multiplyDecimal(parseDecimal(row.unitPrice), { units: BigInt(row.quantity), scale: 0 })), ZERO);

/** Counts what the invoices hold. Exact: the gross is summed as scaled integers. */
export const findingsOf = (invoices: readonly Invoice[]): RetailFindings => {
  const rows = invoices.flatMap((invoice) => invoice.rows);
  const count = (test: (row: RetailRow) => boolean): number => rows.reduce((n, row) => n + (test(row) ? 1 : 0), 0);
  const invoicesWith = (test: (invoice: Invoice) => boolean): number => invoices.filter(test).length;
  const cancelled = (row: { invoiceNo: string }): boolean => row.invoiceNo.startsWith('C');
  const adjusted = (row: { invoiceNo: string }): boolean => row.invoiceNo.startsWith('A');
  const { customers, moved } = severalCountries(invoices);
  const byKind: Partial<Record<OrderLineKind, number>> = {};
  for (const { kind } of rows) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return {
    lines: rows.length,
    invoices: invoices.length,
    placed: invoicesWith((invoice) => !cancelled(invoice) && !adjusted(invoice)),
    cancelled: invoicesWith(cancelled),
    adjusted: invoicesWith(adjusted),
    products: new Set(rows.map((row) => row.stockCode)).size,
    customers,
    countries: new Set(rows.map((row) => row.country)).size,
    firstTime: rows.reduce((first, row) => (first === '' || row.time < first ? row.time : first), ''),
    lastTime: rows.reduce((last, row) => (row.time > last ? row.time : last), ''),
    gross: formatDecimal(grossOf(rows)),
    cancellationLines: count(cancelled),
    adjustmentLines: count(adjusted),
    linesWithoutCustomer: count((row) => row.customerNumber === ''),
    linesWithoutDescription: count((row) => row.description === ''),
    linesWithZeroPrice: count((row) => Number(row.unitPrice) === 0),
    linesWithNegativePrice: count((row) => Number(row.unitPrice) < 0),
    linesWithNegativeQuantity: count((row) => row.quantity < 0),
    negativeQuantityNotCancelled: count((row) => row.quantity < 0 && !cancelled(row)),
    exactDuplicateLines: invoices.reduce((sum, invoice) => sum + duplicatesIn(invoice.rows), 0),
    linesByKind: byKind,
    unlistedCodes: [...new Set(rows.filter((row) => !row.listed).map((row) => row.stockCode))].toSorted(),
    customersWithSeveralCountries: moved,
    invoicesWithSeveralTimes: invoicesWith((invoice) => invoice.rows.some((row) => row.time !== invoice.rows[0]?.time)),
    scatteredInvoices: invoicesWith(isScattered),
  };
};
