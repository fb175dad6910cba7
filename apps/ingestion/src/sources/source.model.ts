import { BUSINESS_CONTEXTS, type Context } from '@millrace/kernel';
import { z } from 'zod';

const RECORD_CONTEXTS = BUSINESS_CONTEXTS as readonly [Context, ...Context[]];

export const tenantText = z.string().regex(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z, 0-9 and "-"');
export const sourceName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit');

/** What an operator asks for. */
export const sourceWish = z.strictObject({
  tenant: tenantText,
  name: sourceName,
  /** Exact types, or prefixes that end in `*`. */
  types: z.array(z.string().regex(/^[a-z][a-z0-9.-]{0,126}\*?$/, 'expected a type like sales.order.placed, or a prefix like clickstream.*')).max(200).optional(),
  recordOf: z.array(z.enum(RECORD_CONTEXTS)).max(RECORD_CONTEXTS.length).optional(),
  earliest: z.iso.datetime({ offset: true }).optional(),
  latestAheadMs: z.int().min(0).max(86_400_000).optional(),
});
export type SourceWish = z.infer<typeof sourceWish>;

/** The only answer a key ever stands in. */
export const issuedSource = z.strictObject({ tenant: z.string(), name: z.string(), key: z.string() });
export type IssuedSource = z.infer<typeof issuedSource>;

export const listedSource = z.strictObject({
  tenant: z.string(), name: z.string(), types: z.array(z.string()).nullable(), recordOf: z.array(z.string()),
  earliest: z.string().nullable(), latestAheadMs: z.int().nullable(), createdAt: z.string(), revokedAt: z.string().nullable(),
});
export type ListedSource = z.infer<typeof listedSource>;
export const sourceList = z.strictObject({ sources: z.array(listedSource) });
