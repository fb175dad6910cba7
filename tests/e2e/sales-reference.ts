import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

/**
 * The file's figures computed straight from its rows with scaled integers: a second way to the same numbers, which shares no code with
 * the platform.
 */
export interface SalesReference {
  readonly rows: number;
  readonly invoices: number;
  readonly gross: string;
  readonly monthly: Readonly<Record<string, string>>;
  readonly clean: { readonly revenue: string; readonly rows: number; readonly customers: number };
  readonly cancellationLines: number;
  readonly countries: ReadonlyMap<string, string>;
  readonly productUnits: ReadonlyMap<string, number>;
  readonly customers: ReadonlyMap<string, string>;
  readonly cohorts: Readonly<Record<string, readonly number[]>>;
}

interface Row { readonly InvoiceNo: string; readonly StockCode: string; readonly Quantity: string; readonly InvoiceDate: string; readonly UnitPrice: string; readonly CustomerID: string; readonly Country: string }

/** All amounts as integers of 10^-6. */
const SCALE = 6;
const unitsOf = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(SCALE, '0'));
};
/** Without trailing zeros: numbers are compared as numbers. */
export const plain = (text: string): string => (text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text);
const textOf = (units: bigint): string => {
  const digits = (units < 0n ? -units : units).toString().padStart(SCALE + 1, '0');
  return plain(`${units < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`);
};

const add = (sums: Map<string, bigint>, key: string, amount: bigint): void => { sums.set(key, (sums.get(key) ?? 0n) + amount); };
const texts = (sums: ReadonlyMap<string, bigint>): Map<string, string> => new Map([...sums].map(([key, units]) => [key, textOf(units)]));
const monthsBetween = (first: string, month: string): number => {
  const [y1 = 0, m1 = 0] = first.split('-').map(Number);
  const [y2 = 0, m2 = 0] = month.split('-').map(Number);
  return (y2 - y1) * 12 + m2 - m1;
};

const cohortsOf = (active: ReadonlyMap<string, ReadonlySet<string>>): Record<string, number[]> => {
  const table: Record<string, number[]> = {};
  for (const months of active.values()) {
    const first = [...months].sort()[0]!;
    const row = (table[first] ??= []);
    for (const month of months) {
      const offset = monthsBetween(first, month);
      row[offset] = (row[offset] ?? 0) + 1;
    }
  }
  for (const row of Object.values(table)) for (let n = 0; n < row.length; n += 1) row[n] ??= 0;
  return table;
};

export const referenceOf = async (file: string): Promise<SalesReference> => {
  const source = file.endsWith('.gz') ? createReadStream(file).pipe(createGunzip()) : createReadStream(file);
  const [monthly, countries, customers] = [new Map<string, bigint>(), new Map<string, bigint>(), new Map<string, bigint>()];
  const productUnits = new Map<string, number>();
  const active = new Map<string, Set<string>>();
  const invoices = new Set<string>();
  let [gross, clean, rows, cleanRows, cancellationLines] = [0n, 0n, 0, 0, 0];
  for await (const row of source.pipe(parse({ columns: true })) as AsyncIterable<Row>) {
    const amount = BigInt(row.Quantity) * unitsOf(row.UnitPrice);
    const month = row.InvoiceDate.slice(0, 7);
    rows += 1;
    gross += amount;
    invoices.add(row.InvoiceNo);
    add(monthly, month, amount);
    if (row.InvoiceNo.startsWith('C')) cancellationLines += 1;
    if (row.CustomerID === '' || Number(row.Quantity) <= 0 || unitsOf(row.UnitPrice) <= 0n) continue;
    clean += amount;
    cleanRows += 1;
    add(countries, row.Country, amount);
    add(customers, row.CustomerID, amount);
    productUnits.set(row.StockCode, (productUnits.get(row.StockCode) ?? 0) + Number(row.Quantity));
    const months = active.get(row.CustomerID) ?? new Set<string>();
    active.set(row.CustomerID, months.add(month));
  }
  return {
    rows, invoices: invoices.size, gross: textOf(gross), monthly: Object.fromEntries(texts(monthly)),
    clean: { revenue: textOf(clean), rows: cleanRows, customers: customers.size }, cancellationLines,
    countries: texts(countries), productUnits, customers: texts(customers), cohorts: cohortsOf(active),
  };
};

/** The ten greatest, by value and then by key. */
export const topTen = (sums: ReadonlyMap<string, string | number>): [string, string][] =>
  [...sums].map(([key, value]): [string, string] => [key, plain(String(value))]).sort(([a, x], [b, y]) => Number(y) - Number(x) || a.localeCompare(b)).slice(0, 10);
