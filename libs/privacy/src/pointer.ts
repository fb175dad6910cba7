import { DomainError, type Json, type JsonObject } from '@millrace/kernel';

/** RFC 6901 pointer split into unescaped segments; `*` (our addition) stands for every element of an array. */
export const parsePointer = (pointer: string): string[] => {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new DomainError('invalid', 'pointer-malformed', { length: pointer.length }, 'A JSON pointer is empty or starts with "/".');
  return pointer.slice(1).split('/').map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
};

const escapeSegment = (segment: string): string => (segment.includes('~') || segment.includes('/') ? segment.replaceAll('~', '~0').replaceAll('/', '~1') : segment);

/** A JSON object, neither null nor a list. */
export const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What stands at a place afterwards; `undefined` removes the member. */
export type Change = (value: Json, path: string) => Json | undefined;

const changeElements = (list: readonly Json[], segments: readonly string[], depth: number, path: string, change: Change): Json => {
  const next = segments[depth]!;
  // A removed element becomes null: the indices of its neighbours are part of the paths sealed values are bound to.
  if (next === '*') return list.map((element, index) => changeAt(element, segments, depth + 1, `${path}/${index}`, change) ?? null);
  if (!/^(0|[1-9]\d*)$/.test(next) || Number(next) >= list.length) return list;
  return list.with(Number(next), changeAt(list[Number(next)]!, segments, depth + 1, `${path}/${next}`, change) ?? null);
};

const changeAt = (node: Json, segments: readonly string[], depth: number, path: string, change: Change): Json | undefined => {
  if (depth === segments.length) return change(node, path);
  if (Array.isArray(node)) return changeElements(node as readonly Json[], segments, depth, path, change);
  const name = segments[depth]!;
  if (!isObject(node) || !Object.hasOwn(node, name)) return node;
  const value = node[name];
  const next = changeAt(value!, segments, depth + 1, `${path}/${escapeSegment(name)}`, change);
  if (next === value) return node;
  if (next !== undefined) return { ...node, [name]: next };
  const { [name]: _removed, ...others } = node;
  return others;
};

/**
 * A copy of `data` with `change` applied at every place the pointer names; places that don't exist are left alone. Copies only what
 * lies on the way. `change` gets the concrete pointer, with indices for `*`.
 */
export const changePlaces = (data: JsonObject, segments: readonly string[], change: Change): JsonObject =>
  (changeAt(data, segments, 0, '', change) ?? {}) as JsonObject;

/** Visits every value of a JSON tree, parents first; `visit` answers false to stay out of what lies below. */
export const walk = (node: Json, visit: (value: Json, path: string) => boolean, path = ''): void => {
  if (!visit(node, path) || typeof node !== 'object' || node === null) return;
  const entries = Array.isArray(node) ? node.map((value, index) => [String(index), value] as const) : Object.entries(node);
  for (const [name, value] of entries) walk(value as Json, visit, `${path}/${escapeSegment(name)}`);
};
