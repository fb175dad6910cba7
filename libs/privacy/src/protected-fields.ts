import { DomainError, type Json, type JsonObject } from '@millrace/kernel';
import { maskText, type Mask } from './mask.ts';
import { changePlaces, isObject, parsePointer, walk } from './pointer.ts';
import { isSealed, sealField, type SealedValue } from './sealed-value.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** What sealing needs to know of a contract's protected field; contracts' ProtectedField satisfies it. `*` stands for every element. */
export interface FieldToProtect {
  readonly pointer: string;
  readonly annotation:
    | { readonly kind: 'sealed'; readonly purpose: string; readonly mask: Mask }
    | { readonly kind: 'identifier'; readonly purpose: string; readonly kept: 'no' | 'sealed' };
}

export interface EventPlace {
  readonly eventId: string;
  readonly typeVersion: number;
  /** Pointer of the object that stands for the person: gets `ref` when it exists. */
  readonly subjectAt?: string;
}

// Contracts are few and live as long as the process; events are many.
const segmentsOf = new Map<string, readonly string[]>();
const SEGMENT_CACHE_LIMIT = 10_000;
const parsed = (pointer: string): readonly string[] => {
  let segments = segmentsOf.get(pointer);
  if (!segments) {
    segments = parsePointer(pointer);
    if (segmentsOf.size < SEGMENT_CACHE_LIMIT) segmentsOf.set(pointer, segments);
  }
  return segments;
};

const sealOne = (value: Json, path: string, purpose: string, subject: SubjectKeys, place: EventPlace): Json => {
  if (value === null) return null;
  const key = subject.keys.get(purpose);
  if (!key) throw new DomainError('unavailable', 'data-key-missing', { purpose }, `No data key for purpose "${purpose}" was given; ask for it together with the subject.`);
  // Spelled out because an interface has no index signature and so is no Json by its type.
  return { $sealed: { ...sealField(value, subject.ref, key, { eventId: place.eventId, path, typeVersion: place.typeVersion }).$sealed } };
};

/**
 * The stored form of an event's data: fields marked `sealed` and identifiers kept `sealed` are sealed under the key of their purpose,
 * other identifiers are removed, and the object at `subjectAt` gets the subject's `ref`. Absent and null fields stay as they are; the
 * input is not changed. Each value is bound to its concrete path (`/lines/3/name`). DomainError `unavailable` (`data-key-missing`)
 * when a purpose's key is not among `subject.keys`: nothing is stored half sealed.
 */
export const sealFields = (data: JsonObject, fields: readonly FieldToProtect[], subject: SubjectKeys, place: EventPlace): JsonObject => {
  let stored = data;
  for (const { pointer, annotation } of fields) {
    const removed = annotation.kind === 'identifier' && annotation.kept === 'no';
    stored = changePlaces(stored, parsed(pointer), (value, path) => (removed ? undefined : sealOne(value, path, annotation.purpose, subject, place)));
  }
  if (place.subjectAt === undefined) return stored;
  return changePlaces(stored, parsed(place.subjectAt), (person) =>
    (isObject(person) ? { ...person, ref: subject.ref } : person));
};

/** Purposes whose keys sealFields will want for these fields, each once. */
export const purposesOf = (fields: readonly FieldToProtect[]): string[] =>
  [...new Set(fields.filter(({ annotation }) => annotation.kind === 'sealed' || annotation.kept === 'sealed').map(({ annotation }) => annotation.purpose))];

/** Every sealed value in a JSON tree with the pointer where it stands now (its own `path` says where it was sealed). */
export const listSealed = (data: Json): { pointer: string; sealed: SealedValue }[] => {
  const found: { pointer: string; sealed: SealedValue }[] = [];
  walk(data, (value, pointer) => {
    if (!isSealed(value)) return true;
    found.push({ pointer, sealed: value });
    return false;
  });
  return found;
};

/**
 * A copy that may be shown or logged: protected fields still in clear are masked (identifiers wholly), sealed values become
 * `{"sealed": purpose}` so that a reader sees that something is there and cannot mistake it for content.
 */
export const redactForDisplay = (data: JsonObject, fields: readonly FieldToProtect[]): JsonObject => {
  let shown = data;
  for (const { pointer, annotation } of fields) {
    const mask = annotation.kind === 'sealed' ? annotation.mask : 'full';
    shown = changePlaces(shown, parsed(pointer), (value) => (value === null || isSealed(value) ? value : maskText(typeof value === 'string' ? value : JSON.stringify(value), mask)));
  }
  for (const { pointer, sealed } of listSealed(shown)) shown = changePlaces(shown, parsePointer(pointer), () => ({ sealed: sealed.$sealed.purpose }));
  return shown;
};
