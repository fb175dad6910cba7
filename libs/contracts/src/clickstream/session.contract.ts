import { z } from 'zod';
import type { StoredAs } from '../contract.ts';
import { byField, defineContract } from '../define-contract.ts';
import { code, currency, decimal, id, integer, ip, path, text, units, visitor } from '../field.ts';

// One visit is one stream, clickstream.session/<sessionId>, whatever happened in it.

const visit = { sessionId: id(), visitor: visitor().optional(), ip: ip().optional(), channel: code().optional(), path: path().optional() };
const priced = { unitPrice: decimal().optional(), currency: currency().optional() };

const pageViewed = z.object({ ...visit, path: path(), title: text(300).optional(), referrerHost: text(253).optional() });
const productViewed = z.object({ ...visit, productId: id(), category: text(128).optional(), ...priced });
const searchPerformed = z.object({ ...visit, query: text(300), results: integer(0, 10_000_000).optional() });
const itemAdded = z.object({ ...visit, productId: id(), quantity: units(1), ...priced });
const itemRemoved = z.object({ ...visit, productId: id(), quantity: units(1) });
const checkoutStarted = z.object({ ...visit, amount: decimal().optional(), currency: currency().optional(), items: integer(1, 100_000).optional() });
const checkoutCompleted = z.object({ ...visit, orderId: id(), amount: decimal().optional(), currency: currency().optional(), items: integer(1, 100_000).optional() });

export type PageViewed = z.infer<typeof pageViewed>;
export type ProductViewed = z.infer<typeof productViewed>;
export type SearchPerformed = z.infer<typeof searchPerformed>;
export type CartItemAdded = z.infer<typeof itemAdded>;
export type CartItemRemoved = z.infer<typeof itemRemoved>;
export type CheckoutStarted = z.infer<typeof checkoutStarted>;
/** What a tracker saw of a sale; the sale itself is `sales.order.placed` from the system of record, joined by `orderId`. */
export type CheckoutCompleted = z.infer<typeof checkoutCompleted>;
export type StoredPageViewed = StoredAs<PageViewed, 'visitor'>;

const stream = byField('session', 'sessionId');
const subject = 'visitor';

export const sessionContracts = [
  defineContract({ type: 'clickstream.page.viewed', version: 1, summary: 'A page was shown.', schema: pageViewed, subject, stream }),
  defineContract({ type: 'clickstream.product.viewed', version: 1, summary: 'A product page was shown.', schema: productViewed, subject, stream }),
  defineContract({ type: 'clickstream.search.performed', version: 1, summary: 'A visitor searched the shop.', schema: searchPerformed, subject, stream }),
  defineContract({ type: 'clickstream.cart.item-added', version: 1, summary: 'Units went into the cart.', schema: itemAdded, subject, stream }),
  defineContract({ type: 'clickstream.cart.item-removed', version: 1, summary: 'Units left the cart.', schema: itemRemoved, subject, stream }),
  defineContract({ type: 'clickstream.checkout.started', version: 1, summary: 'A visitor began to check out.', schema: checkoutStarted, subject, stream }),
  defineContract({ type: 'clickstream.checkout.completed', version: 1, summary: 'A tracker saw a checkout end; refers to the order.', schema: checkoutCompleted, subject, stream }),
];
