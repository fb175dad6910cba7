import { z } from 'zod';
import type { StoredAs } from '../contract.ts';
import { byField, defineContract } from '../define-contract.ts';
import { code, country, currency, customer, decimal, id, integer, oneOf, quantity, text, time } from '../field.ts';

/** What a line bills. `revenue.net` leaves out postage, bank-charge, manual and adjustment. */
export const orderLineKind = oneOf('product', 'postage', 'bank-charge', 'manual', 'fee', 'discount', 'adjustment', 'sample', 'other');

/** Real invoices have a thousand lines; five thousand of our longest stay within the limit of a stored event. */
const MAX_LINES = 5000;

const orderLine = z.object({
  lineNo: integer(1, 100_000),
  productId: id(),
  description: text(200).optional(),
  quantity: quantity(),
  unitPrice: decimal(),
  kind: orderLineKind,
  placedAt: time(),
});

const lines = z.array(orderLine).min(1).max(MAX_LINES);
const order = { orderId: id(), currency: currency(), country: country().optional(), channel: code().optional(), customer: customer().optional() };

const placed = z.object({ ...order, reservationId: id().optional(), lines });
const cancelled = z.object({ ...order, cancels: id().optional(), reason: code().optional(), lines });
const returned = z.object({ ...order, returns: id().optional(), reason: code().optional(), lines });
const adjusted = z.object({ ...order, adjusts: id().optional(), reason: code().optional(), lines });

export type OrderLine = z.infer<typeof orderLine>;
export type OrderLineKind = OrderLine['kind'];
export type OrderPlaced = z.infer<typeof placed>;
export type OrderCancelled = z.infer<typeof cancelled>;
export type OrderReturned = z.infer<typeof returned>;
export type OrderAdjusted = z.infer<typeof adjusted>;
/** Any of the four order facts as stored: every one has `lines` that add to gross revenue as billed. */
export type StoredOrder = StoredAs<OrderPlaced | OrderCancelled | OrderReturned | OrderAdjusted, 'customer'>;

const stream = byField('order', 'orderId');
const subject = 'customer';

export const orderContracts = [
  defineContract({ type: 'sales.order.placed', version: 1, summary: 'A customer ordered; lines as billed.', schema: placed, subject, stream }),
  defineContract({ type: 'sales.order.cancelled', version: 1, summary: 'An invoice was cancelled; its lines carry negative quantities as billed.', schema: cancelled, subject, stream }),
  defineContract({ type: 'sales.order.returned', version: 1, summary: 'Goods came back; lines carry negative quantities as credited.', schema: returned, subject, stream }),
  defineContract({ type: 'sales.order.adjusted', version: 1, summary: 'The books were adjusted, as for a bad debt; lines as booked.', schema: adjusted, subject, stream }),
];
