import { DomainError } from './domain-error.ts';

/** Exact decimal text: `-?digits[.digits]`, at most 20 digits before and 12 after the point. No exponent. */
export type DecimalText = string;

/** What `parseDecimal` takes; also the pattern in published schemas. */
export const DECIMAL_PATTERN = /^-?\d{1,20}(\.\d{1,12})?$/;

/**
 * Digits of an amount, price or quantity that may come in: a billion times a thousand, to the thousandth of a tenth of a cent. The warehouse's columns
 * are made of them, so that whatever is let in can be counted everywhere.
 */
export const AMOUNT_DIGITS = { whole: 12, fraction: 6 } as const;

/** A decimal as `units * 10^-scale`: sums and products are exact, nothing passes through a float. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The start of a sum. */
export const ZERO: Decimal = { units: 0n, scale: 0 };

/** Throws DomainError `decimal-malformed`, which tells the text's length only: amounts may be somebody's. Keeps the scale. */
export const parseDecimal = (text: DecimalText): Decimal => {
  if (!DECIMAL_PATTERN.test(text)) {
    throw new DomainError('invalid', 'decimal-malformed', { length: text.length }, 'A decimal is digits with an optional sign and point, as in "-12.50"; exponents and grouping are not accepted.');
  }
  const [whole = '', fraction = ''] = text.split('.');
  return { units: BigInt(whole + fraction), scale: fraction.length };
};

const raise = (d: Decimal, scale: number): bigint => d.units * 10n ** BigInt(scale - d.scale);

/** Exact, at the larger scale. */
export const addDecimal = (a: Decimal, b: Decimal): Decimal => {
  const scale = Math.max(a.scale, b.scale);
  return { units: raise(a, scale) + raise(b, scale), scale };
};

/** Exact, at the same scale. */
export const negateDecimal = (d: Decimal): Decimal => ({ units: -d.units, scale: d.scale });

/** Exact; the scales add up. */
export const multiplyDecimal = (a: Decimal, b: Decimal): Decimal => ({ units: a.units * b.units, scale: a.scale + b.scale });

/** By value: 2.50 and 2.5 are equal. */
export const compareDecimal = (a: Decimal, b: Decimal): -1 | 0 | 1 => {
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [raise(a, scale), raise(b, scale)];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** Below zero; no zero is. */
export const isNegative = (d: Decimal): boolean => d.units < 0n;

/** Keeps the scale: 2.50 stays `2.50`, as Postgres `numeric` does. */
export const formatDecimal = (d: Decimal): DecimalText => {
  const sign = d.units < 0n ? '-' : '';
  const digits = (d.units < 0n ? -d.units : d.units).toString().padStart(d.scale + 1, '0');
  return d.scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -d.scale)}.${digits.slice(-d.scale)}`;
};
