/** Groups the digits of an exact decimal's text; the digits themselves are never changed (no float in between). */
export const grouped = (decimal: string): string => {
  const [, sign = '', whole = '', fraction] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '') return decimal;
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign === '-' ? '\u2212' : ''}${thousands}${fraction === undefined ? '' : `.${fraction}`}`;
};

/** `2,345.60 GBP` */
export const money = (amount: string, currency: string): string => `${grouped(amount)} ${currency}`;

/** `2026-11-23 20:31:05` UTC: the console never guesses a time zone. */
export const moment = (iso: string): string => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');

export const shortHash = (hex: string): string => (hex.length > 20 ? `${hex.slice(0, 10)}\u2026${hex.slice(-6)}` : hex);

/** For a chart's pixel only: a float is exact enough to draw a point, never to print a sum. */
export const plotted = (decimal: string): number => Number(decimal);
