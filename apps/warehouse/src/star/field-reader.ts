import { AMOUNT_DIGITS, DECIMAL_PATTERN, DomainError, parseDecimal, type Decimal } from '@millrace/kernel';

export type Data = Readonly<Record<string, unknown>>;

const unfit = (code: string, pointer: string, expected: string): DomainError =>
  new DomainError('invalid', code, { pointer }, `Expected ${expected} at ${pointer}. The event is parked: bring its contract and the star together, then load it again.`);

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value);

export const object = (value: unknown, pointer: string): Data => {
  if (isObject(value)) return value;
  throw unfit('event-unreadable', pointer, 'an object');
};

export const list = (value: unknown, pointer: string): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  throw unfit('event-unreadable', pointer, 'a list');
};

export const text = (value: unknown, pointer: string): string => {
  if (typeof value === 'string' && value !== '') return value;
  throw unfit('event-unreadable', pointer, 'text');
};

export const optionalText = (value: unknown, pointer: string): string | null => (value === undefined ? null : text(value, pointer));

export const timeMs = (value: unknown, pointer: string): number => {
  const ms = Date.parse(text(value, pointer));
  if (!Number.isNaN(ms)) return ms;
  throw unfit('event-unreadable', pointer, 'an ISO 8601 time');
};

/** A decimal that the star can hold without rounding. */
export const decimal = (value: unknown, pointer: string): Decimal => {
  if (typeof value !== 'string' || !DECIMAL_PATTERN.test(value)) throw unfit('event-unreadable', pointer, 'an exact decimal');
  const trimmed = value.includes('.') ? value.replace(/\.?0+$/, '') : value;
  const parsed = parseDecimal(trimmed);
  const whole = parsed.units.toString().replace('-', '').length - parsed.scale;
  if (whole <= AMOUNT_DIGITS.whole && parsed.scale <= AMOUNT_DIGITS.fraction) return parsed;
  throw unfit('decimal-out-of-range', pointer, `at most ${AMOUNT_DIGITS.whole} digits before and ${AMOUNT_DIGITS.fraction} after the point`);
};

/** The subject reference of `{ ref }`; null when the event names no person. */
export const subjectRef = (value: unknown, pointer: string): string | null =>
  (value === undefined ? null : text(object(value, pointer)['ref'], `${pointer}/ref`));
