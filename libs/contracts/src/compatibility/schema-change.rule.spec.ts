import fc from 'fast-check';
import { z } from 'zod';
import { code, country, currency, customerEmail, customerNumber, decimal, email, flag, id, integer, ip, oneOf, personName, phone, quantity, text, time, units } from '../field.ts';
import { toJsonSchema } from '../json-schema.ts';
import { CONTRACTS } from '../registry.ts';
import { schemaBreaks } from './schema-change.rule.ts';

const breaks = (released: z.ZodObject, current: z.ZodObject) => schemaBreaks(toJsonSchema(released), toJsonSchema(current));
const rulesOf = (released: z.ZodType, current: z.ZodType) => breaks(z.object({ it: released }), z.object({ it: current })).map(({ rule, pointer }) => `${rule} ${pointer}`);
const plain = (schema: z.ZodType) => schema.meta({ privacy: { kind: 'none' } });

describe('a change within a released version', () => {
  it.each<[string, z.ZodType, z.ZodType, string]>([
    ['a word taken from a list', oneOf('web', 'app', 'till'), oneOf('web'), 'enum-narrowed /it'],
    ['a list where anything went', code(), oneOf('web'), 'enum-narrowed /it'],
    ['a smaller maximum', integer(1, 100), integer(1, 50), 'range-narrowed /it'],
    ['a greater minimum', units(0), units(1), 'range-narrowed /it'],
    ['a shorter text', text(200), text(20), 'range-narrowed /it'],
    ['a bound where there was none', plain(z.string()), plain(z.string().max(5)), 'range-narrowed /it'],
    ['fewer elements', z.array(id()).max(9), z.array(id()).max(8), 'range-narrowed /it'],
    ['another pattern', plain(z.string().regex(/^a/)), plain(z.string().regex(/^b/)), 'pattern-changed /it'],
    ['a pattern where anything went', plain(z.string().max(3)), plain(z.string().max(3).regex(/^[A-Z]{3}$/)), 'pattern-changed /it'],
    ['a time where there was text', plain(z.string().max(35)), time(), 'format-changed /it'],
    ['a number for a text', id(), units(0), 'type-changed /it'],
    ['one of two kinds', quantity(), decimal(), 'type-changed /it'],
    ['a kind beside the one there was', decimal(), quantity(), 'type-changed /it'],
    ['a flag for a code', code(), flag(), 'type-changed /it'],
    ['an object for a value', id(), z.object({ id: id() }), 'type-changed /it'],
    ['a list for a value', id(), z.array(id()), 'type-changed /it'],
    ['another purpose', phone(), ip(), 'privacy-changed /it'],
    ['a field no longer sealed', plain(z.string().max(200)), personName(), 'privacy-changed /it'],
    ['an identifier kept', customerNumber(), customerNumber('sealed'), 'privacy-changed /it'],
    ['an identifier turned into a mere field', customerEmail(), email(), 'privacy-changed /it'],
    ['an identifier of another kind', customerNumber(), customerEmail(), 'identifier-changed /it'],
    ['a narrowed branch of a union', quantity(), z.union([z.string().max(34).regex(/./), z.int().min(0).max(5)]).meta({ privacy: { kind: 'none' } }), 'range-narrowed /it'],
    ['a condition on several fields', z.object({ a: id().optional(), b: id().optional() }), z.object({ a: id().optional(), b: id().optional() }).meta({ anyOf: [{ required: ['a'] }] }), 'condition-changed /it'],
    ['one more property asked for', z.object({ a: id().optional() }).meta({ minProperties: 1 }), z.object({ a: id().optional() }).meta({ minProperties: 2 }), 'range-narrowed /it'],
  ])('is a break: %s', (_name, released, current, expected) => expect(rulesOf(released, current)).toContain(expected));

  it('is a break where a field is new and required, or required now, and says what old events lack', () => {
    expect(breaks(z.object({ a: id() }), z.object({ a: id(), b: id() }))).toEqual([{ rule: 'field-required', pointer: '/b', says: expect.stringMatching(/required and new: old events lack this field\. Make it optional, or add the next version/) }]);
    expect(breaks(z.object({ a: id().optional() }), z.object({ a: id() }))).toEqual([{ rule: 'field-required', pointer: '/a', says: expect.stringContaining('old events may lack this field') }]);
  });
  it('is a break where a field is gone, or may be absent now', () => {
    expect(breaks(z.object({ a: id(), b: id().optional() }), z.object({ a: id() }))).toEqual([{ rule: 'field-removed', pointer: '/b', says: expect.stringContaining('it is gone: old events hold it') }]);
    expect(breaks(z.object({ a: id() }), z.object({ a: id().optional() }))).toEqual([{ rule: 'field-optional', pointer: '/a', says: expect.stringContaining('readers count on it') }]);
  });
  it('is named where it is, below lists and objects', () => {
    const order = (line: z.ZodType) => z.object({ lines: z.array(z.object({ at: z.object({ country: line }) })) });
    expect(breaks(order(country()), order(currency())).map(({ pointer }) => pointer)).toContain('/lines/*/at/country');
  });

  it.each<[string, z.ZodObject, z.ZodObject]>([
    ['an optional field', z.object({ a: id() }), z.object({ a: id(), b: text(5).optional(), c: personName().optional() })],
    ['a word more', z.object({ a: oneOf('web') }), z.object({ a: oneOf('web', 'app') })],
    ['wider bounds', z.object({ a: integer(1, 5), b: text(5) }), z.object({ a: integer(0, 9), b: text(50) })],
    ['another description or mask', z.object({ a: plain(z.string().max(5)), b: phone() }), z.object({ a: plain(z.string().max(5)).meta({ description: 'new words', privacy: { kind: 'none' } }), b: phone() })],
    ['a condition less', z.object({ a: id().optional() }).meta({ minProperties: 1, dependentRequired: { a: ['b'] } }), z.object({ a: id().optional() })],
  ])('is none: %s', (_name, released, current) => expect(breaks(released, current)).toEqual([]));

  it('never is one where nothing changed', () => {
    fc.assert(fc.property(fc.constantFrom(...CONTRACTS), ({ jsonSchema }) => expect(schemaBreaks(jsonSchema, JSON.parse(JSON.stringify(jsonSchema)))).toEqual([])));
  });
  it('always is one where any required field of any contract is taken away', () => {
    for (const { jsonSchema } of CONTRACTS) {
      for (const name of jsonSchema['required'] as string[]) {
        const { [name]: _, ...properties } = jsonSchema['properties'] as Record<string, never>;
        expect(schemaBreaks(jsonSchema, { ...jsonSchema, properties, required: (jsonSchema['required'] as string[]).filter((each) => each !== name) })).toMatchObject([{ rule: 'field-removed', pointer: `/${name}` }]);
      }
    }
  });
});
