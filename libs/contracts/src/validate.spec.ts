import { z } from 'zod';
import { toJsonSchema } from './json-schema.ts';
import { compile, isDateTime, violationOf } from './validate.ts';

const refusalOf = (schema: z.ZodType, value: unknown): unknown => {
  const validate = compile(toJsonSchema(z.object({ it: schema, rest: z.array(z.object({ 'a/b': z.string().max(2) })).optional() })));
  return validate(value) ? undefined : violationOf(validate.errors);
};

describe('a violation', () => {
  it.each([
    [z.string(), { it: 1 }, '/it', 'expected string, got a number'],
    [z.string().max(2), { it: 'abc' }, '/it', 'expected at most 2 characters, got a text of 3 characters'],
    [z.string().min(2), { it: 'a' }, '/it', 'expected at least 2 characters, got a text of 1 characters'],
    [z.array(z.number()).max(1), { it: [1, 2] }, '/it', 'expected at most 1 elements, got an array of 2'],
    [z.number().min(3), { it: 1 }, '/it', 'expected a number >= 3, got a number'],
    [z.number().max(3), { it: 4 }, '/it', 'expected a number <= 3, got a number'],
    [z.literal('1.0'), { it: '2.0' }, '/it', 'expected "1.0", got a text of 3 characters'],
    [z.enum(['a', 'b']), { it: 'c' }, '/it', 'expected one of a, b, got a text of 1 characters'],
    [z.string().regex(/^a$/), { it: 'b' }, '/it', 'expected a value that satisfies "pattern", got a text of 1 characters'],
    [z.string().regex(/^a$/).meta({ description: 'the letter a' }), { it: 'b' }, '/it', 'expected the letter a, got a text of 1 characters'],
    [z.boolean(), { it: null }, '/it', 'expected boolean, got null'],
    [z.boolean(), { it: {} }, '/it', 'expected boolean, got an object'],
    [z.string(), {}, '/it', 'expected a value here: the field is required, and it is missing'],
    [z.string(), { it: '', rest: [{ 'a/b': 'x' }, { 'a/b': 'xyz' }] }, '/rest/1/a~1b', 'expected at most 2 characters, got a text of 3 characters'],
    [z.string(), { it: '', rest: [{}] }, '/rest/0/a~1b', 'expected a value here: the field is required, and it is missing'],
    [z.string(), 'text', '', 'expected object, got a text of 4 characters'],
    [z.string(), true, '', 'expected object, got a boolean'],
    [z.string(), undefined, '', 'expected object, got nothing'],
  ])('%#: is told by pointer and reason', (schema, value, pointer, reason) => expect(refusalOf(schema, value)).toEqual({ pointer, reason }));

  it('speaks of the whole field when every alternative fails', () => {
    expect(refusalOf(z.union([z.string().max(1), z.int()]).meta({ description: 'a letter or a number' }), { it: 'ab' })).toEqual({ pointer: '/it', reason: 'expected a letter or a number, got a text of 2 characters' });
  });
  it('without particulars still says something', () => expect([violationOf(null), violationOf([]), violationOf(undefined)].map(({ reason }) => reason)).toEqual(Array(3).fill('expected data that fits the contract')));
});

describe('a schema', () => {
  it('with an unknown keyword is refused when it is compiled, not passed over', () => expect(() => compile({ type: 'object', propertys: {} })).toThrow('propertys'));
  it('with an unknown format too', () => expect(() => compile({ type: 'string', format: 'postcode' })).toThrow('postcode'));
});

describe('date and time', () => {
  it.each(['2011-02-29T00:00:00Z', '1900-02-29T00:00:00Z', '2011-04-31T00:00:00Z', '2011-01-01T00:00:60Z', '2011-01-01T00:60:00Z', '2011-01-01 00:00:00Z', '2011-01-01T00:00:00', '2011-01-01T00:00:00.Z', '2011-01-01T00:00:00.1234567890Z', '11-01-01T00:00:00Z', ' 2011-01-01T00:00:00Z'])('is not %s', (text) => expect(isDateTime(text)).toBe(false));
  it.each(['2012-02-29T00:00:00Z', '2000-02-29T00:00:00Z', '2011-12-31T23:59:59.999999999-23:59'])('is %s', (text) => expect(isDateTime(text)).toBe(true));
});
