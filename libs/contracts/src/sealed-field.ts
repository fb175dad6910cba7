import { DomainError } from '@millrace/kernel';
import type { EventData } from './contract.ts';

const behind = new WeakMap<SealedField, unknown>();

/**
 * A sealed value as an upcaster sees it: something that can be put elsewhere or left out, and has nothing to read or open. Only
 * `showSealed` of this module finds the value behind it again, with the path and type version it was sealed under unchanged.
 */
export class SealedField {
  /** Makes the class nominal: no object written by hand passes for a sealed field. */
  readonly #carried = true;

  constructor(stored: unknown) {
    behind.set(this, stored);
    Object.freeze(this);
  }

  /** JSON of it would lose it. */
  toJSON(): never {
    throw new DomainError('invalid', 'sealed-field-read', { carried: this.#carried }, 'An upcaster carries a sealed value and never reads it: move the field as it is.');
  }
}

type Branch = Readonly<Record<string, unknown>>;
const isBranch = (value: unknown): value is Branch => typeof value === 'object' && value !== null && !(value instanceof SealedField);

const isSealed = (value: Branch): boolean => {
  const names = Object.keys(value);
  return names.length === 1 && names[0] === '$sealed';
};

/** A copy of `node` in which `change` has replaced what it answers for; what holds nothing to replace is shared, not copied. */
const replaced = (node: unknown, change: (value: object) => unknown): unknown => {
  if (typeof node !== 'object' || node === null) return node;
  const other = change(node);
  if (other !== node) return other;
  if (Array.isArray(node)) {
    const elements = node.map((element: unknown) => replaced(element, change));
    return elements.every((element, index) => element === node[index]) ? node : elements;
  }
  if (!isBranch(node)) return node;
  const entries = Object.entries(node).map(([name, value]) => [name, replaced(value, change)] as const);
  return entries.every(([name, value]) => value === node[name]) ? node : Object.fromEntries(entries);
};

/** Stored data with each sealed value behind a SealedField; shares what holds none. */
export const hideSealed = (data: EventData): EventData => replaced(data, (value) => (isBranch(value) && isSealed(value) ? new SealedField(value) : value)) as EventData;

/** Inverse of `hideSealed`, wherever the fields stand now. */
export const showSealed = (data: EventData): EventData => replaced(data, (value) => (value instanceof SealedField ? behind.get(value) : value)) as EventData;
