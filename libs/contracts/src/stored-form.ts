import type { ValidateFunction } from 'ajv';
import type { EventContract, EventData, ProtectedField } from './contract.ts';
import { PRIVACY_KEYWORD, unescapePointer, type SchemaNode } from './json-schema.ts';
import { compile, violationOf, type Violation } from './validate.ts';

const SEALED_NODE: SchemaNode = {
  type: 'object', required: ['$sealed'], additionalProperties: false, description: 'a sealed value',
  properties: {
    $sealed: {
      type: 'object', required: ['subject', 'purpose', 'epoch', 'path', 'typeVersion', 'box'],
      properties: {
        subject: { type: 'string', minLength: 1 }, purpose: { type: 'string', minLength: 1 }, epoch: { type: 'integer', minimum: 1 },
        path: { type: 'string', pattern: '^/' }, typeVersion: { type: 'integer', minimum: 1 }, box: { type: 'string', pattern: '^[\\w-]+$' },
      },
    },
  },
};
const REF: SchemaNode = { type: 'string', pattern: '^sub_[0-9a-f]+$', description: 'a subject reference' };

const isRemoved = (node: SchemaNode): boolean => {
  const privacy = node[PRIVACY_KEYWORD];
  return privacy?.kind === 'identifier' && privacy.kept === 'no';
};

const requiredOf = (node: SchemaNode): readonly string[] => (Array.isArray(node.required) ? node.required.map(String) : []);

const storedObject = (node: SchemaNode, properties: Readonly<Record<string, SchemaNode>>, pointer: string, subjectAt: string | undefined): SchemaNode => {
  const kept = Object.entries(properties).filter(([, child]) => !isRemoved(child));
  const inner = Object.fromEntries(kept.map(([name, child]) => [name, storedNode(child, `${pointer}/${name}`, subjectAt)]));
  const required = requiredOf(node).filter((name) => name in inner);
  if (pointer !== subjectAt) return { ...node, properties: inner, required };
  // How many identifiers there must be is a matter of the wire: stored, the person is the reference, whatever was kept beside it.
  const { minProperties: _, anyOf: __, ...rest } = node;
  return { ...rest, properties: { ...inner, ref: REF }, required: ['ref', ...required] };
};

const storedNode = (node: SchemaNode, pointer: string, subjectAt: string | undefined): SchemaNode => {
  const privacy = node[PRIVACY_KEYWORD];
  if (privacy !== undefined) return privacy.kind === 'none' ? node : SEALED_NODE;
  if (node.properties !== undefined) return storedObject(node, node.properties, pointer, subjectAt);
  return node.items === undefined ? node : { ...node, items: storedNode(node.items, `${pointer}/*`, subjectAt) };
};

/** JSON Schema of what the log holds of a contract's events: identifiers gone or sealed, personal fields sealed, the person by reference. */
export const storedSchemaOf = ({ jsonSchema, subjectAt }: Pick<EventContract, 'jsonSchema' | 'subjectAt'>): SchemaNode => storedNode(jsonSchema, '', subjectAt);

const compiled = new WeakMap<EventContract, ValidateFunction>();

/** Checks stored data against the stored form of its contract; undefined when it fits. Never repeats a value. */
export const checkStored = (contract: EventContract, data: unknown): Violation | undefined => {
  const known = compiled.get(contract);
  const validate = known ?? compile(storedSchemaOf(contract));
  if (known === undefined) compiled.set(contract, validate);
  return validate(data) ? undefined : violationOf(validate.errors);
};

type Place = (value: unknown, path: string) => unknown;

const changed = (node: unknown, segments: readonly string[], change: Place, path = ''): unknown => {
  const [next, ...rest] = segments;
  if (next === undefined) return change(node, path);
  if (Array.isArray(node)) return next === '*' ? node.map((element, index) => changed(element, rest, change, `${path}/${index}`)) : node;
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, next)) return node;
  const { [next]: value, ...others } = node as Record<string, unknown>;
  const other = changed(value, rest, change, `${path}/${next}`);
  return other === undefined ? others : { ...node, [next]: other };
};

const segmentsOf = (pointer: string): string[] => pointer.slice(1).split('/').map(unescapePointer);

/**
 * Wire data in the form the log would hold it, with stand-ins instead of sealed values: what a fixture looks like to readers and upcasters,
 * without any key. Paths and type versions are those that sealing would bind the values to.
 */
export const standInFor = (contract: EventContract, wire: EventData): EventData => {
  const subject = `sub_${'0'.repeat(32)}`;
  const sealed = (data: unknown, { pointer, annotation }: ProtectedField): unknown => changed(data, segmentsOf(pointer), (_value, path) => (
    annotation.kind === 'identifier' && annotation.kept === 'no' ? undefined : { $sealed: { subject, purpose: annotation.purpose, epoch: 1, path, typeVersion: contract.version, box: 'AAAA' } }));
  const data = contract.protectedFields.reduce(sealed, wire);
  const stored = contract.subjectAt === undefined ? data : changed(data, segmentsOf(contract.subjectAt), (person) => ({ ...(person as object), ref: subject }));
  return stored as EventData;
};
