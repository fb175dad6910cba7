/** What a change would do to what is stored, or to those who read it. */
export type BreakRule =
  | 'contract-removed' | 'field-removed' | 'field-required' | 'field-optional' | 'type-changed' | 'enum-narrowed' | 'range-narrowed' | 'pattern-changed' | 'format-changed'
  | 'condition-changed' | 'privacy-changed' | 'identifier-changed' | 'subject-changed' | 'stream-changed'
  | 'fixture-missing' | 'fixture-refused' | 'past-refused' | 'upcast-refused' | 'upcast-failed';

/** One reason not to release, or not to start: refused, with what it would break. */
export interface Finding {
  readonly rule: BreakRule;
  readonly type: string;
  readonly version: number;
  /** JSON pointer of the field, `*` for every element; empty for the whole event. */
  readonly pointer: string;
  /** What is wrong and what to do instead; never quotes data. */
  readonly says: string;
  /** Consumers, tables, metrics and deciders that read the field, by name; services that read the context. */
  readonly breaks: readonly string[];
}

/** Who reads which fields of a type's newest version: derived from the code by a test, and kept as data so that every process can tell. */
export interface ContractReader {
  /** As in `projection analytics/sales-facts`, `table warehouse.order_line`, `metric revenue.net`, `service security`. */
  readonly name: string;
  readonly type: string;
  /** Pointers it reads; a reader of a field reads what stands below it, too. */
  readonly pointers: readonly string[];
}

const related = (a: string, b: string): boolean => a === b || a === '' || b === '' || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);

/** Names of the readers that a change at a field of a type reaches, sorted. */
export const readersOf = (readers: readonly ContractReader[], type: string, pointer: string): readonly string[] =>
  [...new Set(readers.filter((reader) => reader.type === type && reader.pointers.some((read) => related(read, pointer))).map(({ name }) => name))].toSorted();
