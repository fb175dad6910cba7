import type { OrderLineKind } from '@millrace/contracts';
import { fileFault, shown } from './file-fault.ts';
import { lineKindOf } from './stock-code.mapping.ts';

/** The file's columns, found by name in any order. */
export const COLUMNS = ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID', 'Country'] as const;
type Column = (typeof COLUMNS)[number];

/** One billed line, checked. */
export interface RetailRow {
  readonly line: number;
  readonly invoiceNo: string;
  readonly stockCode: string;
  readonly kind: OrderLineKind;
  readonly listed: boolean;
  /** As it stands in the file; may be empty. */
  readonly description: string;
  readonly quantity: number;
  /** Exact decimal text. */
  readonly unitPrice: string;
  /** ISO 8601; the file names no zone, read as UTC. */
  readonly time: string;
  /** Empty when the row has none. */
  readonly customerNumber: string;
  readonly country: string;
}

const RULES: Readonly<Record<Column, { pattern: RegExp; expected: string }>> = {
  InvoiceNo: { pattern: /^[AC]?\d{1,12}$/, expected: 'an invoice number of digits, with "C" (cancelled) or "A" (adjusted) in front of some' },
  StockCode: { pattern: /^\P{C}{1,128}$/u, expected: 'a stock code of 1 to 128 characters' },
  Description: { pattern: /^\P{C}{0,200}$/u, expected: 'a description of at most 200 printable characters' },
  Quantity: { pattern: /^-?\d{1,9}$/, expected: 'a whole number' },
  InvoiceDate: { pattern: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, expected: 'a date and time as in "2010-12-01 08:26:00"' },
  UnitPrice: { pattern: /^-?\d{1,15}(\.\d{1,12})?$/, expected: 'a price as in "2.55"' },
  CustomerID: { pattern: /^\d{0,12}$/, expected: 'a customer number of digits, or nothing' },
  Country: { pattern: /^\P{C}{1,64}$/u, expected: 'a country of 1 to 64 characters' },
};

const timeOf = (text: string): string | undefined => {
  const time = `${text.slice(0, 10)}T${text.slice(11)}Z`;
  const parsed = new Date(time);
  // The engine reads February 30th as March 2nd; a real date reads back as itself.
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === `${time.slice(0, -1)}.000Z` ? time : undefined;
};

const wrong = (line: number, column: Column, value: string): Error =>
  fileFault({
    code: 'value-malformed', line, expected: `${RULES[column].expected} in column ${column}`,
    came: column === 'CustomerID' ? `another text of ${value.length} characters` : shown(value),
    remedy: 'Correct this line, or export the file again without changing the number and date formats.',
  });

/**
 * Remembers what each distinct text of a column became: the same few thousand texts come half a million times, so a look-up replaces
 * the check, and one copy of each text is held.
 */
const remembering = <Value>(column: Column, make: (text: string) => Value | undefined): ((text: string, line: number) => Value) => {
  const made = new Map<string, Value>();
  return (text, line) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const value = RULES[column].pattern.test(text) ? make(text) : undefined;
    if (value === undefined) throw wrong(line, column, text);
    made.set(text, value);
    return value;
  };
};

const same = (text: string): string => text;

/** Makes rows from records, given the header. Throws `file-…` errors naming the line. */
export const rowReader = (header: readonly string[]): ((record: readonly string[], line: number) => RetailRow) => {
  const at = columnPositions(header);
  const invoiceNo = remembering('InvoiceNo', same);
  const code = remembering('StockCode', (stockCode) => ({ stockCode, ...lineKindOf(stockCode) }));
  const description = remembering('Description', same);
  // Adding zero makes a written "-0" the ordinary one.
  const quantity = remembering('Quantity', (text) => Number(text) + 0);
  const time = remembering('InvoiceDate', timeOf);
  const unitPrice = remembering('UnitPrice', same);
  const customerNumber = remembering('CustomerID', same);
  const country = remembering('Country', same);
  return (record, line) => {
    const text = (column: Column): string => record[at[column]] ?? '';
    const { stockCode, kind, listed } = code(text('StockCode'), line);
    return {
      line, stockCode, kind, listed, invoiceNo: invoiceNo(text('InvoiceNo'), line), description: description(text('Description'), line),
      quantity: quantity(text('Quantity'), line), unitPrice: unitPrice(text('UnitPrice'), line), time: time(text('InvoiceDate'), line),
      customerNumber: customerNumber(text('CustomerID'), line), country: country(text('Country'), line),
    };
  };
};

const columnPositions = (header: readonly string[]): Record<Column, number> => {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  const twice = header.filter((name, index) => header.indexOf(name) !== index);
  const remedy = `The first line must name the columns ${COLUMNS.join(',')}.`;
  if (missing.length > 0) throw fileFault({ code: 'column-missing', line: 1, expected: `the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`, came: `the columns ${shown(header.join(','))}`, remedy });
  if (twice.length > 0) throw fileFault({ code: 'column-repeated', line: 1, expected: 'each column once', came: `${shown(twice[0] ?? '')} twice`, remedy });
  return Object.fromEntries(COLUMNS.map((column) => [column, header.indexOf(column)])) as Record<Column, number>;
};
