import type { Context } from '@millrace/kernel';
import type { ZodType } from 'zod';

export type PersonalCategory = 'name' | 'email' | 'phone' | 'address' | 'ip' | 'customer-number' | 'visitor-id';
export type PurposeClass = 'identity' | 'contact' | 'network';
export type IdentifierKind = 'customer-number' | 'email' | 'visitor-id';

/** Stands on every leaf of a contract's schema (zod `.meta({ privacy })`); a leaf without one is refused when the contract is defined. */
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

/** Plain object as it stands in an event's data. */
export type EventData = Readonly<Record<string, unknown>>;

/**
 * Turns stored data of the version before into this version's. Pure, deterministic, total over what the older contract let in; sealed values
 * come as SealedField, which can be moved and not opened.
 */
export type Upcaster = (older: EventData) => EventData;

/** One version of one event type. */
export interface EventContract {
  readonly type: string;
  readonly version: number;
  readonly context: Context;
  readonly summary: string;
  /** Wire form (before sealing). Unnamed fields are dropped by `checkData`. */
  readonly schema: ZodType;
  /** JSON Schema 2020-12 made from `schema`; each leaf carries `x-millrace-privacy`. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  /** The person the event is about: pointer of the object that holds the identifiers and, once stored, `ref`. */
  readonly subjectAt?: string;
  /** In the contract's order, which is also the order of preference of identifiers. */
  readonly protectedFields: readonly ProtectedField[];
  /** Aggregate whose stream the event belongs to; several types may share one (all of a visit are in `session`). */
  readonly streamAggregate: string;
  /** Name of the aggregate instance within the stream `<context>.<streamAggregate>/<id>`; gets the stored form (with `ref`). */
  readonly streamId: (stored: EventData) => string;
  /** From the version before; every version but the first has one. */
  readonly upcast?: Upcaster;
}

export type ContractCheck =
  | { readonly ok: true; readonly data: EventData; /** pointers of dropped, unnamed fields */ readonly dropped: readonly string[] }
  | { readonly ok: false; readonly pointer: string; readonly reason: string };

/** What stands in stored data where the wire form had a person's identifiers. */
export interface SubjectRef {
  /** `sub_` + 32 hex digits */
  readonly ref: string;
}

/** Stored form of `Data`: the object at `At` holds the subject reference instead of identifiers. */
export type StoredAs<Data, At extends keyof Data> = { readonly [K in keyof Data]: K extends At ? SubjectRef | Extract<Data[K], undefined> : Data[K] };
