import fc from 'fast-check';
import type { EventContract, EventData } from './contract.ts';
import type { SchemaNode } from './json-schema.ts';
import { storedSchemaOf } from './stored-form.ts';

const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Texts of the patterns our fields use. fast-check's own generator doesn't know `\p{…}`, so those are told apart here. */
const patterned = (pattern: string, max: number): fc.Arbitrary<string> => {
  if (pattern.startsWith('^\\/')) return fc.stringMatching(/^\/[a-z0-9/-]*$/, { maxLength: Math.min(max, 40) });
  if (pattern.includes('\\p{C}') || pattern.includes('\\P{C}')) return fc.string({ minLength: 1, maxLength: Math.min(max, 40), unit: 'grapheme' }).filter((text) => /^\P{C}+$/u.test(text));
  return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= max);
};

const textOf = (node: SchemaNode): fc.Arbitrary<string> => {
  if (node['format'] === 'date-time') return fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
  const max = numberOf(node['maxLength'], 20);
  return typeof node['pattern'] === 'string' ? patterned(node['pattern'], max) : fc.string({ minLength: numberOf(node['minLength'], 0), maxLength: Math.min(max, 40) });
};

const objectOf = (node: SchemaNode): fc.Arbitrary<EventData> => {
  const required = new Set(Array.isArray(node['required']) ? node['required'] : []);
  const fields = Object.fromEntries(Object.entries(node.properties ?? {}).map(([name, child]) => [name, valueOf(child)]));
  return fc.record(fields, { requiredKeys: Object.keys(fields).filter((name) => required.has(name)) });
};

const valueOf = (node: SchemaNode): fc.Arbitrary<unknown> => {
  if (Array.isArray(node['enum'])) return fc.constantFrom(...(node['enum'] as unknown[]));
  if (node.properties !== undefined) return objectOf(node);
  if (Array.isArray(node['anyOf'])) return fc.oneof(...(node['anyOf'] as SchemaNode[]).map(valueOf));
  if (node.items !== undefined) return fc.array(valueOf(node.items), { minLength: numberOf(node['minItems'], 0), maxLength: 4 });
  if (node['type'] === 'integer') return fc.integer({ min: numberOf(node['minimum'], -1e9), max: Math.min(numberOf(node['maximum'], 1e9), 2 ** 31 - 1) });
  return node['type'] === 'boolean' ? fc.boolean() : textOf(node);
};

/** Any data that a contract let in, in the form the log holds it; what JSON Schema says across fields (`dependentRequired`) is left to a filter. */
export const storedDataOf = (contract: EventContract): fc.Arbitrary<EventData> => objectOf(storedSchemaOf(contract));

const TEXTS = ['2.50', 'EUR', 'web', '/web', `sub_${'0'.repeat(32)}`, 'a'.repeat(64), 'AAAA'];

const exampleOf = (node: SchemaNode): unknown => {
  if (Array.isArray(node['enum'])) return node['enum'][0];
  if (node.properties !== undefined) return Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, exampleOf(child)]));
  if (node.items !== undefined) return [exampleOf(node.items)];
  if (node['format'] === 'date-time') return '2026-01-15T10:20:00Z';
  if (node['type'] === 'integer') return Math.max(2, numberOf(node['minimum'], 2));
  if (node['type'] === 'boolean') return true;
  const { pattern } = node;
  return TEXTS.find((text) => typeof pattern !== 'string' || new RegExp(pattern, 'u').test(text));
};

/** One event of a contract with every field it may have, in stored form; always the same, and plain enough for every reader. */
export const completeExample = (contract: EventContract): EventData => exampleOf(storedSchemaOf(contract)) as EventData;
