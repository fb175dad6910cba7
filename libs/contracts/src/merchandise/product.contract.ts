import { z } from 'zod';
import { byField, defineContract } from '../define-contract.ts';
import { code, currency, decimal, id, text, time } from '../field.ts';

const listed = z.object({ productId: id(), name: text(200).optional(), category: text(128).optional(), price: decimal('not-negative').optional(), currency: currency().optional() })
  .meta({ dependentRequired: { price: ['currency'] } });
const retired = z.object({ productId: id(), reason: code().optional() });
const priceChanged = z.object({ productId: id(), price: decimal('not-negative'), currency: currency(), previousPrice: decimal('not-negative').optional(), validFrom: time().optional() });

export type ProductListed = z.infer<typeof listed>;
export type ProductRetired = z.infer<typeof retired>;
export type PriceChanged = z.infer<typeof priceChanged>;

const stream = byField('product', 'productId');

export const productContracts = [
  defineContract({ type: 'merchandise.product.listed', version: 1, summary: 'A product can be sold from now on.', schema: listed, stream }),
  defineContract({ type: 'merchandise.product.retired', version: 1, summary: 'A product is no longer sold.', schema: retired, stream }),
  defineContract({ type: 'merchandise.price.changed', version: 1, summary: 'The list price changed; what a customer paid stands in the order.', schema: priceChanged, stream }),
];
