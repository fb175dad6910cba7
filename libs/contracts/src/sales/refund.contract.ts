import { z } from 'zod';
import { byField, defineContract } from '../define-contract.ts';
import { code, currency, decimal, id } from '../field.ts';

const issued = z.object({ refundId: id(), orderId: id(), paymentId: id().optional(), amount: decimal('positive'), currency: currency(), reason: code().optional() });

export type RefundIssued = z.infer<typeof issued>;

export const refundContracts = [
  defineContract({ type: 'sales.refund.issued', version: 1, summary: 'Money went back to a customer; the amount is positive.', schema: issued, stream: byField('refund', 'refundId') }),
];
