import { DomainError } from './domain-error.ts';
import { addDecimal, formatDecimal, multiplyDecimal, parseDecimal, type DecimalText } from './decimal.ts';

/** Exact amount and ISO 4217 code. Amounts of different currencies are never added. */
export interface Money {
  readonly amount: DecimalText;
  readonly currency: string;
}

/** Checks amount and code; throws DomainError `decimal-malformed` or `currency-malformed`. The amount's scale is kept. */
export const money = (amount: DecimalText, currency: string): Money => {
  parseDecimal(amount);
  if (!/^[A-Z]{3}$/.test(currency)) throw new DomainError('invalid', 'currency-malformed', { currency: currency.slice(0, 8) }, 'A currency is three capital letters, as in EUR.');
  return { amount, currency };
};

/** Exact. Throws `currency-mixed` for two currencies. */
export const addMoney = (a: Money, b: Money): Money => {
  if (a.currency !== b.currency) throw new DomainError('invalid', 'currency-mixed', { first: a.currency, second: b.currency }, `Amounts in ${a.currency} and ${b.currency} can't be added; keep a sum per currency.`);
  return { amount: formatDecimal(addDecimal(parseDecimal(a.amount), parseDecimal(b.amount))), currency: a.currency };
};

/** Exact; the scales add up. `quantity` is decimal text too: some shops sell by weight. */
export const multiplyMoney = (a: Money, quantity: DecimalText): Money =>
  ({ amount: formatDecimal(multiplyDecimal(parseDecimal(a.amount), parseDecimal(quantity))), currency: a.currency });
