import type { OrderLineKind } from '@millrace/contracts';

/** Codes that aren't goods, as the shop used them. Case counts: `M` and `m` are both in the file. */
const LISTED: Readonly<Record<string, OrderLineKind>> = {
  POST: 'postage', DOT: 'postage', C2: 'postage',
  'BANK CHARGES': 'bank-charge',
  M: 'manual', m: 'manual',
  AMAZONFEE: 'fee', CRUK: 'fee',
  D: 'discount',
  B: 'adjustment',
  S: 'sample',
  PADS: 'product',
};

/** Codes of goods by pattern: five digits with letters for variants, and the partner site's own range. */
const GOODS = [/^\d{5}[A-Za-z]*$/, /^DCGS[A-Za-z0-9]*$/];
const VOUCHERS = /^gift_\d{4}_\d+$/;

/** What a line with this stock code bills. `listed` is false for a code the mapping has no rule for: it counts as `other` and is reported. */
export const lineKindOf = (stockCode: string): { readonly kind: OrderLineKind; readonly listed: boolean } => {
  if (GOODS.some((pattern) => pattern.test(stockCode))) return { kind: 'product', listed: true };
  const kind = Object.hasOwn(LISTED, stockCode) ? LISTED[stockCode] : undefined;
  if (kind !== undefined) return { kind, listed: true };
  return { kind: 'other', listed: VOUCHERS.test(stockCode) };
};
