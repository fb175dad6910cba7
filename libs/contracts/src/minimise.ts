import { escapePointer, type SchemaNode } from './json-schema.ts';

/** What a schema names, precomputed so that an event is minimised by map look-ups alone. */
export type Shape =
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Shape> }
  | { readonly kind: 'array'; readonly item: Shape }
  | { readonly kind: 'leaf' };

const LEAF: Shape = { kind: 'leaf' };

export const shapeOf = (node: SchemaNode): Shape => {
  if (node.properties !== undefined) return { kind: 'object', fields: new Map(Object.entries(node.properties).map(([name, child]) => [name, shapeOf(child)])) };
  if (node.items !== undefined) return { kind: 'array', item: shapeOf(node.items) };
  return LEAF;
};

type Mutable = Record<string, unknown>;
const isObject = (value: unknown): value is Mutable => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Drops what the shape doesn't name and adds each dropped field's pointer to `dropped`. The value is not changed: whatever held a
 * dropped field is copied without it, the rest is shared. A value of another kind than the shape is left for validation to refuse.
 * Names come from the producer: count them, don't log them.
 */
export const minimise = (shape: Shape, value: unknown, dropped: string[], pointer = ''): unknown => {
  if (shape.kind === 'object' && isObject(value)) return minimiseObject(shape.fields, value, dropped, pointer);
  if (shape.kind === 'array' && shape.item.kind !== 'leaf' && Array.isArray(value)) return minimiseArray(shape.item, value, dropped, pointer);
  return value;
};

const minimiseObject = (fields: ReadonlyMap<string, Shape>, value: Mutable, dropped: string[], pointer: string): Mutable => {
  const before = dropped.length;
  let changed: Map<string, unknown> | undefined;
  for (const name in value) {
    const shape = fields.get(name);
    if (shape === undefined) dropped.push(`${pointer}/${escapePointer(name)}`);
    else if (shape.kind !== 'leaf') {
      const child = minimise(shape, value[name], dropped, `${pointer}/${name}`);
      if (child !== value[name]) (changed ??= new Map()).set(name, child);
    }
  }
  if (dropped.length === before) return value;
  const kept: Mutable = {};
  for (const name in value) if (fields.has(name)) kept[name] = changed?.has(name) ? changed.get(name) : value[name];
  return kept;
};

const minimiseArray = (item: Shape, value: readonly unknown[], dropped: string[], pointer: string): readonly unknown[] => {
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const child = minimise(item, value[index], dropped, `${pointer}/${index}`);
    if (child !== value[index]) (copy ??= value.slice())[index] = child;
  }
  return copy ?? value;
};
