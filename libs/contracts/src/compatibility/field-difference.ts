import type { EventData } from '../contract.ts';
import { escapePointer, unescapePointer } from '../json-schema.ts';

const isBranch = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const lacking = (node: unknown, [name, ...rest]: readonly string[]): unknown => {
  if (Array.isArray(node)) return node.map((element) => lacking(element, rest));
  if (!isBranch(node) || name === undefined || !Object.hasOwn(node, name)) return node;
  const { [name]: value, ...others } = node;
  return rest.length === 0 ? others : { ...others, [name]: lacking(value, rest) };
};

/** A copy of `data` without what stands at a pointer; `*` stands for every element. */
export const withoutField = (data: EventData, pointer: string): EventData => lacking(data, pointer.slice(1).split('/').map(unescapePointer)) as EventData;

/** Pointers, `*` for elements, of the fields in which two data differ: the deepest that stand in one and not alike in the other. */
export const differences = (a: unknown, b: unknown, pointer = ''): readonly string[] => {
  if (Array.isArray(a) && Array.isArray(b)) return [...new Set(a.flatMap((element, index) => differences(element, b[index], `${pointer}/*`)))];
  if (!isBranch(a) || !isBranch(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [pointer];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((name) => differences(a[name], b[name], `${pointer}/${escapePointer(name)}`));
};
