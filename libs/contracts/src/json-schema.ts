import { DomainError } from '@millrace/kernel';
import { z, type ZodType } from 'zod';
import type { PrivacyAnnotation, ProtectedField } from './contract.ts';

/** The part of JSON Schema 2020-12 our contracts use. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly [PRIVACY_KEYWORD]?: PrivacyAnnotation;
  readonly [INTAKE_KEYWORD]?: Readonly<Record<string, unknown>>;
  readonly [keyword: string]: unknown;
}

/** The annotation's name in JSON Schema: extension keywords start with `x-`. */
export const PRIVACY_KEYWORD = 'x-millrace-privacy';

/**
 * Keywords that hold beside or instead of the released ones for what comes in from now on. A released version may only ever let in more, since
 * stored events are held against it; what is let in may be narrowed here, where nothing stored is asked.
 */
export const INTAKE_KEYWORD = 'x-millrace-intake';

const EXTENSIONS = [['privacy', PRIVACY_KEYWORD], ['intake', INTAKE_KEYWORD]] as const;

/** JSON Schema 2020-12 of a zod schema, wire (input) side, with our annotations under their extension keywords. */
export const toJsonSchema = (schema: ZodType): SchemaNode =>
  z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const [name, keyword] of EXTENSIONS) {
        if (!(name in jsonSchema)) continue;
        jsonSchema[keyword] = jsonSchema[name];
        delete jsonSchema[name];
      }
    },
    // Our contracts never use the boolean form of a schema, which is all that SchemaNode leaves out.
  }) as SchemaNode;

/** What a producer's event is held against: the released schema as narrowed for what comes in. */
export const intakeSchemaOf = (node: SchemaNode): SchemaNode => {
  const { [INTAKE_KEYWORD]: narrowed, ...released } = node;
  return {
    ...released, ...narrowed,
    ...(node.properties && { properties: Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, intakeSchemaOf(child)])) }),
    ...(node.items && { items: intakeSchemaOf(node.items) }),
    ...(Array.isArray(node['anyOf']) && { anyOf: (node['anyOf'] as SchemaNode[]).map(intakeSchemaOf) }),
  };
};

/** Visits every leaf in the schema's order; an annotated node is a leaf, and a leaf without annotation gets `undefined`. */
export const visitLeaves = (node: SchemaNode, visit: (pointer: string, annotation: PrivacyAnnotation | undefined) => void, pointer = ''): void => {
  const annotation = node[PRIVACY_KEYWORD];
  if (annotation === undefined && node.properties !== undefined) {
    for (const [name, child] of Object.entries(node.properties)) visitLeaves(child, visit, `${pointer}/${escapePointer(name)}`);
  } else if (annotation === undefined && node.items !== undefined) visitLeaves(node.items, visit, `${pointer}/*`);
  else visit(pointer, annotation);
};

/** RFC 6901 section 3. */
export const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Fields to seal or exchange, in the schema's order; throws `contract-leaf-unannotated` naming every leaf without an annotation. */
export const protectedFieldsOf = (type: string, schema: SchemaNode): ProtectedField[] => {
  const found: ProtectedField[] = [];
  const missing: string[] = [];
  visitLeaves(schema, (pointer, annotation) => {
    if (annotation === undefined) missing.push(pointer);
    else if (annotation.kind !== 'none') found.push({ pointer, annotation });
  });
  if (missing.length === 0) return found;
  const names = missing.join(', ');
  throw new DomainError('invalid', 'contract-leaf-unannotated', { type, leaves: names }, `Every field of ${type} needs a privacy annotation (.meta({ privacy })); missing on ${names}.`);
};

/** Inverse of `escapePointer`. */
export const unescapePointer = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~');
