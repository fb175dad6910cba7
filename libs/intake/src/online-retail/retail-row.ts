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

/** Makes rows from records, given the header. Throws `file-…` errors naming the line. */
export const rowReader = (header: readonly string[]): ((record: readonly string[], line: number) => RetailRow) => {
  const at = columnPositions(header);
  // The same few thousand texts come half a million times: keep one of each.
  const interned = new Map<string, string>();
  const intern = (text: string): string => interned.get(text) ?? (interned.set(text, text), text);
  const codes = new Map<string, { kind: OrderLineKind; listed: boolean }>();

  return (record, line) => {
    const value = (column: Column): string => {
      const text = record[at[column]] ?? '';
      if (!RULES[column].pattern.test(text)) throw wrong(line, column, text);
      return text;
    };
    const stockCode = intern(value('StockCode'));
    let code = codes.get(stockCode);
    if (code === undefined) codes.set(stockCode, code = lineKindOf(stockCode));
    const date = value('InvoiceDate');
    const time = timeOf(date);
    if (time === undefined) throw wrong(line, 'InvoiceDate', date);
    return {
      line, stockCode, ...code, time: intern(time), invoiceNo: intern(value('InvoiceNo')), description: intern(value('Description')), quantity: Number(value('Quantity')) + 0,
      unitPrice: intern(value('UnitPrice')), customerNumber: intern(value('CustomerID')), country: intern(value('Country')),
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
