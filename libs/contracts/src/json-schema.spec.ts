import { z } from 'zod';
import { byField, defineContract } from './define-contract.ts';
import { customer, customerNumber, decimal, email, id, ip, text } from './field.ts';
import { escapePointer, protectedFieldsOf, toJsonSchema, visitLeaves, type SchemaNode } from './json-schema.ts';
import { CONTRACTS } from './registry.ts';
import type { PrivacyAnnotation } from './contract.ts';

const define = (schema: z.ZodObject) => defineContract({ type: 'sales.order.placed', version: 1, summary: 's', schema, stream: byField('order', 'orderId') });

describe('privacy annotations', () => {
  it('are asked of every leaf: a contract with one missing is refused, naming it', () => {
    expect(() => define(z.object({ orderId: id(), note: z.string().max(10) }))).toThrow(/privacy annotation.*\/note/);
  });
  it('are asked of leaves in arrays and nested objects too', () => {
    const schema = z.object({ lines: z.array(z.object({ sku: z.string().max(9), ok: text(3) })), who: z.object({ a: z.number() }), tags: z.array(z.string()) });
    expect(() => define(schema)).toThrow('missing on /lines/*/sku, /who/a, /tags/*.');
  });
  it('are found through optional fields', () => {
    expect(protectedFieldsOf('t', toJsonSchema(z.object({ a: email().optional() })))).toEqual([{ pointer: '/a', annotation: expect.objectContaining({ kind: 'sealed', category: 'email' }) }]);
  });
  it('list protected fields in the contract\'s order', () => {
    const contract = define(z.object({ orderId: id(), customer: customer(), ip: ip(), people: z.array(z.object({ mail: email() })) }));
    expect(contract.protectedFields.map((f) => f.pointer)).toEqual(['/customer/number', '/customer/email', '/ip', '/people/*/mail']);
  });
  it('say whether an identifier is kept', () => {
    const [kept] = protectedFieldsOf('t', toJsonSchema(z.object({ n: customerNumber('sealed') })));
    const [exchanged] = protectedFieldsOf('t', toJsonSchema(z.object({ n: customerNumber() })));
    expect([kept?.annotation, exchanged?.annotation]).toEqual([expect.objectContaining({ kept: 'sealed' }), expect.objectContaining({ kept: 'no' })]);
  });
  it('reach JSON Schema under an extension keyword only', () => {
    const schema = toJsonSchema(z.object({ a: decimal() }));
    expect(schema.properties?.a).toMatchObject({ 'x-millrace-privacy': { kind: 'none' } });
    expect(schema.properties?.a).not.toHaveProperty('privacy');
  });
});

describe('a contract', () => {
  it.each(['order.placed', 'Sales.order.placed', 'shipping.order.placed', 'sales.order.placed.twice', ''])('refuses the type "%s"', (type) => {
    expect(() => defineContract({ type, version: 1, summary: 's', schema: z.object({}), stream: byField('order', 'orderId') })).toThrow('<context>.<aggregate>.<past-fact>');
  });
  it('escapes pointers as RFC 6901 does', () => expect(escapePointer('a/b~c')).toBe('a~1b~0c'));
});

const unboundedIn = (node: SchemaNode, pointer = ''): string[] => {
  const bounded = node.enum !== undefined || node.const !== undefined || node.maxLength !== undefined;
  const here = (node.type === 'string' && !bounded) || (node.type === 'array' && node.maxItems === undefined) || (node.type === 'integer' && node.maximum === undefined) || node.type === 'number';
  const children = [...Object.entries(node.properties ?? {}), ...(node.items === undefined ? [] : [['*', node.items] as const]), ...Object.entries((node.anyOf ?? {}) as Record<string, SchemaNode>)];
  return [...(here ? [pointer] : []), ...children.flatMap(([name, child]) => unboundedIn(child, `${pointer}/${name}`))];
};

describe.each(CONTRACTS.map((contract) => [contract.type, contract] as const))('%s', (_type, contract) => {
  const annotations = new Map<string, PrivacyAnnotation | undefined>();
  visitLeaves(contract.jsonSchema, (pointer, annotation) => annotations.set(pointer, annotation));

  it('is JSON Schema 2020-12 with every leaf annotated', () => {
    expect(contract.jsonSchema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect([...annotations].filter(([, annotation]) => annotation === undefined)).toEqual([]);
  });
  it('bounds every text, number and array, and has no float', () => expect(unboundedIn(contract.jsonSchema)).toEqual([]));
  it('holds identifiers only in its subject', () => {
    const strays = contract.protectedFields.filter((f) => f.annotation.kind === 'identifier' && !f.pointer.startsWith(`${contract.subjectAt}/`));
    expect(strays).toEqual([]);
  });
  it('has a subject exactly when it names identifiers', () => {
    expect(contract.subjectAt !== undefined).toBe(contract.protectedFields.some((f) => f.annotation.kind === 'identifier'));
  });
  it('keeps an identifier only when a profile is registered', () => {
    const kept = contract.protectedFields.some((f) => f.annotation.kind === 'identifier' && f.annotation.kept === 'sealed');
    expect(kept).toBe(contract.type === 'customer.profile.registered');
  });
});
