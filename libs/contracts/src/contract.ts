import type { Context } from '@millrace/kernel';
import type { ZodType } from 'zod';

export type PersonalCategory = 'name' | 'email' | 'phone' | 'address' | 'ip' | 'customer-number' | 'visitor-id';
export type PurposeClass = 'identity' | 'contact' | 'network';
export type IdentifierKind = 'customer-number' | 'email' | 'visitor-id';

/** Stands on every leaf of a contract's schema (zod `.meta({ privacy })`); a leaf without one fails the contract's own test. */
export type PrivacyAnnotation =
  | { readonly kind: 'none' }
  | { readonly kind: 'sealed'; readonly category: PersonalCategory; readonly purpose: PurposeClass; readonly retentionDays: number; readonly mask: 'full' | 'partial' | 'last-4' }
  /** Exchanged for the subject reference. `kept: 'sealed'` also stores it sealed (only customer.profile.registered does). */
  | { readonly kind: 'identifier'; readonly identifier: IdentifierKind; readonly category: PersonalCategory; readonly purpose: PurposeClass; readonly kept: 'no' | 'sealed' };

/** A field to protect: `pointer` is a JSON pointer; `*` stands for every element of an array. */
export interface ProtectedField {
  readonly pointer: string;
  readonly annotation: Exclude<PrivacyAnnotation, { kind: 'none' }>;
}

/** One version of one event type. */
export interface EventContract {
  readonly type: string;
  readonly version: number;
  readonly context: Context;
  readonly summary: string;
  /** Wire form (before sealing). Strict: unnamed fields are dropped by `minimise`. */
  readonly schema: ZodType;
  /** JSON Schema 2020-12 made from `schema`; each leaf carries `x-millrace-privacy`. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  /** The person the event is about: pointer of the object that holds the identifiers and, once stored, `ref`. */
  readonly subjectAt?: string;
  readonly protectedFields: readonly ProtectedField[];
  /** Name of the aggregate instance within the stream `<context>.<aggregate>/<id>`; gets the stored form (with `ref`). */
  readonly streamId: (stored: Readonly<Record<string, unknown>>) => string;
}

export type ContractCheck =
  | { readonly ok: true; readonly data: Readonly<Record<string, unknown>>; /** pointers of dropped, unnamed fields */ readonly dropped: readonly string[] }
  | { readonly ok: false; readonly pointer: string; readonly reason: string };
