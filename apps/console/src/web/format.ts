/** Groups the digits of an exact decimal's text; the digits themselves are never changed (no float in between). */
export const grouped = (decimal: string): string => {
  const [, sign = '', whole = '', fraction] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '') return decimal;
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign === '-' ? '\u2212' : ''}${thousands}${fraction === undefined ? '' : `.${fraction}`}`;
};

/** `2,345.60 GBP` */
export const money = (amount: string, currency: string): string => `${grouped(amount)} ${currency}`;

/** `1 row`, `2,000 rows` */
export const counted = (count: number | string, singular: string): string => `${grouped(String(count))} ${singular}${String(count) === '1' ? '' : 's'}`;

/** Rounds a decimal's text, a half to the even digit. For derived values only, an average or a share: a sum is printed as it is. */
export const rounded = (decimal: string, places: number): string => {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '' || fraction.length <= places) return decimal;
  const kept = BigInt(whole + fraction.slice(0, places));
  const rest = fraction.slice(places);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && kept % 2n === 1n);
  const digits = String(up ? kept + 1n : kept).padStart(places + 1, '0');
  const magnitude = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return `${/[1-9]/.test(magnitude) ? sign : ''}${magnitude}`;
};

/** A ratio as a percentage, exactly: `0.017126` is `1.7126`. */
export const percentage = (ratio: string): string => {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(ratio) ?? [];
  if (whole === '') return ratio;
  const digits = fraction.padEnd(2, '0');
  const rest = digits.slice(2).replace(/0+$/, '');
  return `${sign}${BigInt(whole + digits.slice(0, 2))}${rest === '' ? '' : `.${rest}`}`;
};

export type Unit = 'money' | 'orders' | 'lines' | 'items' | 'customers' | 'ratio';

/** A metric's number as its unit wants it: only money has a currency. */
export const inUnit = (value: string, unit: Unit | undefined, currency: string | undefined): string => {
  if (unit === 'money') return currency === undefined ? grouped(value) : money(value, currency);
  if (unit === 'ratio') return `${grouped(percentage(value))} %`;
  return unit === undefined ? grouped(value) : counted(value, unit.slice(0, -1));
};

/** `2026-11-23 20:31:05` UTC: the console never guesses a time zone. */
export const moment = (iso: string): string => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');

/** `112.4 MB`: millions, as the operating system's own tools print them. */
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** For a chart's pixel only: a float is exact enough to draw a point, never to print a sum. */
export const plotted = (decimal: string): number => Number(decimal);
