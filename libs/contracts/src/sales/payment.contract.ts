import { z } from 'zod';
import { byField, defineContract } from '../define-contract.ts';
import { code, currency, decimal, id } from '../field.ts';

const payment = { paymentId: id(), orderId: id(), amount: decimal('positive'), currency: currency(), method: code(), provider: code().optional() };
const captured = z.object(payment);
const failed = z.object({ ...payment, reason: code() });

export type PaymentCaptured = z.infer<typeof captured>;
export type PaymentFailed = z.infer<typeof failed>;

const stream = byField('payment', 'paymentId');

export const paymentContracts = [
  defineContract({ type: 'sales.payment.captured', version: 1, summary: 'Money for an order was taken.', schema: captured, stream }),
  defineContract({ type: 'sales.payment.failed', version: 1, summary: 'An attempt to take money was refused.', schema: failed, stream }),
];
