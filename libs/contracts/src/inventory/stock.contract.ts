import { z } from 'zod';
import { byField, defineContract } from '../define-contract.ts';
import { code, id, units } from '../field.ts';

const stock = { productId: id(), location: id().optional() };
const received = z.object({ ...stock, quantity: units(1), supplier: id().optional() });
const counted = z.object({ ...stock, quantity: units(0) });
const reserved = z.object({ ...stock, reservationId: id(), quantity: units(1), orderId: id().optional() });
const released = z.object({ ...stock, reservationId: id(), quantity: units(1), reason: code().optional() });
const shipped = z.object({ ...stock, quantity: units(1), reservationId: id().optional(), orderId: id().optional() });

export type StockReceived = z.infer<typeof received>;
export type StockCounted = z.infer<typeof counted>;
export type StockReserved = z.infer<typeof reserved>;
export type StockReleased = z.infer<typeof released>;
export type StockShipped = z.infer<typeof shipped>;

const stream = byField('stock', 'productId');

export const stockContracts = [
  defineContract({ type: 'inventory.stock.received', version: 1, summary: 'Units arrived.', schema: received, stream }),
  defineContract({ type: 'inventory.stock.counted', version: 1, summary: 'Someone counted: this is what is there.', schema: counted, stream }),
  defineContract({ type: 'inventory.stock.reserved', version: 1, summary: 'Units were promised to an order and are no longer available.', schema: reserved, stream }),
  defineContract({ type: 'inventory.stock.released', version: 1, summary: 'A promise was taken back.', schema: released, stream }),
  defineContract({ type: 'inventory.stock.shipped', version: 1, summary: 'Units left the house.', schema: shipped, stream }),
];
