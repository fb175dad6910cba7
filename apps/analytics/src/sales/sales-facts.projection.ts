import { DECIMAL_PATTERN, DomainError, type StoredEvent } from '@millrace/kernel';
import type { SalesFact, SalesFactKind, SalesLine } from './sales-fact.model.ts';

type Data = Readonly<Record<string, unknown>>;

/** The facts that bill lines; each counts as it is billed, so that the sum of all lines is gross revenue. */
const BILLING: Readonly<Record<string, SalesFactKind>> = {
  'sales.order.placed': 'placed', 'sales.order.cancelled': 'cancelled', 'sales.order.returned': 'returned', 'sales.order.adjusted': 'adjusted',
};
export const BILLING_TYPES: readonly string[] = Object.keys(BILLING);

const unfit = (pointer: string, expected: string): DomainError =>
  new DomainError('invalid', 'order-unreadable', { pointer }, `Expected ${expected} at ${pointer}. The event is parked: bring its contract and this projection together, then retry it.`);

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value);

// Postgres keeps no NUL in text: found here it parks one event, found there it would fail a whole batch.
const text = (value: unknown, pointer: string): string => {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw unfit(pointer, 'text');
};

const optionalText = (value: unknown, pointer: string): string | null => (value === undefined ? null : text(value, pointer));

const decimal = (value: unknown, pointer: string): string => {
  if (typeof value === 'string' && DECIMAL_PATTERN.test(value)) return value;
  throw unfit(pointer, 'an exact decimal');
};

const time = (value: unknown, pointer: string): string => {
  const date = new Date(text(value, pointer));
  // Postgres knows no year 0.
  if (!Number.isNaN(date.getTime()) && date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999) return date.toISOString();
  throw unfit(pointer, 'an ISO 8601 time');
};

const lineOf = (line: unknown, index: number, seen: Set<string>): SalesLine => {
  const at = `/lines/${index}`;
  if (!isObject(line)) throw unfit(at, 'a line');
  const productId = text(line['productId'], `${at}/productId`);
  const firstOfProduct = !seen.has(productId);
  seen.add(productId);
  return {
    // Counted here: the producer's own numbers may repeat, and the key of the read model must not depend on that.
    lineNo: index + 1,
    kind: text(line['kind'], `${at}/kind`), time: time(line['placedAt'], `${at}/placedAt`), productId, firstOfProduct,
    quantity: decimal(line['quantity'], `${at}/quantity`), unitPrice: decimal(line['unitPrice'], `${at}/unitPrice`),
  };
};

const customerRefOf = (customer: unknown): string | null => {
  if (customer === undefined) return null;
  if (!isObject(customer)) throw unfit('/customer', 'a subject reference');
  return text(customer['ref'], '/customer/ref');
};

/**
 * What an event of a sales log, its data in the newest version of its type, means to this read model; undefined when it bills nothing (payments, refunds). Pure. Throws DomainError
 * `invalid` for an event it can't read: the caller parks it.
 */
export const salesFactOf = ({ envelope, position }: Pick<StoredEvent, 'envelope' | 'position'>, data: Data): SalesFact | undefined => {
  const fact = BILLING[envelope.type];
  if (fact === undefined) return undefined;
  const lines = data['lines'];
  if (!Array.isArray(lines)) throw unfit('/lines', 'a list of lines');
  const products = new Set<string>();
  return {
    position, fact, eventId: envelope.id, eventType: envelope.type, source: envelope.via, time: time(envelope.time, '/time'),
    orderId: text(data['orderId'], '/orderId'),
    currency: text(data['currency'], '/currency'),
    reason: optionalText(data['reason'], '/reason'),
    country: optionalText(data['country'], '/country'),
    customerRef: customerRefOf(data['customer']),
    lines: lines.map((line, index) => lineOf(line, index, products)),
  };
};
