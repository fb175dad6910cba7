import { z } from 'zod';
import type { StoredAs } from '../contract.ts';
import { byField, defineContract } from '../define-contract.ts';
import { code, country, currency, customer, decimal, id, integer, oneOf, quantity, text, time } from '../field.ts';
import { upcaster } from '../upcast.ts';

/** What a line bills. `revenue.net` leaves out postage, bank-charge and manual; `adjustment` where its event is an adjustment that names no other reason than a bad debt. */
export const orderLineKind = oneOf('product', 'postage', 'bank-charge', 'manual', 'fee', 'discount', 'adjustment', 'sample', 'other');

/** Real invoices have a thousand lines; five thousand of our longest stay within the limit of a stored event. */
const MAX_LINES = 5000;

const lineWith = <Quantity extends z.ZodType>(quantityField: Quantity) => z.object({
  lineNo: integer(1, 100_000),
  productId: id(),
  description: text(200).optional(),
  quantity: quantityField,
  unitPrice: decimal(),
  kind: orderLineKind,
  placedAt: time(),
});
const orderLine = lineWith(decimal());

const lines = z.array(orderLine).min(1).max(MAX_LINES);
/** As first released: a quantity was a number or a text, and every reader had to take both. */
const linesOfEither = z.array(lineWith(quantity())).min(1).max(MAX_LINES);
const order = { orderId: id(), currency: currency(), country: country().optional(), channel: code().optional(), customer: customer().optional() };

const placed = z.object({ ...order, reservationId: id().optional(), lines });
const cancelled = z.object({ ...order, cancels: id().optional(), reason: code().optional(), lines });
const returned = z.object({ ...order, returns: id().optional(), reason: code().optional(), lines });
const adjusted = z.object({ ...order, adjusts: id().optional(), reason: code().optional(), lines });

interface StoredOfEither {
  readonly lines: readonly { readonly quantity: string | number }[];
}

/**
 * Every quantity is decimal text, as prices are. An integer's text is the number itself, so nothing is rounded or guessed. What isn't an order
 * stays what it is: the reader that needs a field says where it is missing.
 */
const quantitiesAsText = upcaster((order_: StoredOfEither) => (Array.isArray(order_.lines) ? { ...order_, lines: order_.lines.map(withQuantityAsText) } : { ...order_ }));

const withQuantityAsText = (line: StoredOfEither['lines'][number]): object => (Number.isSafeInteger(line?.quantity) ? { ...line, quantity: String(line.quantity) } : line);

export type OrderLine = z.infer<typeof orderLine>;
export type OrderLineKind = OrderLine['kind'];
export type OrderPlaced = z.infer<typeof placed>;
/** What a producer of version 1 may still send. */
export type OrderPlacedVersion1 = Omit<OrderPlaced, 'lines'> & { readonly lines: z.infer<typeof linesOfEither> };
export type OrderCancelled = z.infer<typeof cancelled>;
export type OrderReturned = z.infer<typeof returned>;
export type OrderAdjusted = z.infer<typeof adjusted>;
/** Any of the four order facts as stored: every one has `lines` that add to gross revenue as billed. */
export type StoredOrder = StoredAs<OrderPlaced | OrderCancelled | OrderReturned | OrderAdjusted, 'customer'>;

const stream = byField('order', 'orderId');
const subject = 'customer';

const versions = (type: string, summary: string, newest: z.ZodObject) => [
  defineContract({ type, version: 1, summary, schema: newest.extend({ lines: linesOfEither }), subject, stream }),
  defineContract({ type, version: 2, summary, schema: newest, subject, stream, upcast: quantitiesAsText }),
];

export const orderContracts = [
  ...versions('sales.order.placed', 'A customer ordered; lines as billed.', placed),
  ...versions('sales.order.cancelled', 'An invoice was cancelled; its lines carry negative quantities as billed.', cancelled),
  ...versions('sales.order.returned', 'Goods came back; lines carry negative quantities as credited.', returned),
  ...versions('sales.order.adjusted', 'The books were adjusted, as for a bad debt; lines as booked.', adjusted),
];
