import fc from 'fast-check';
import { z } from 'zod';
import { AMOUNT_DIGITS, DECIMAL_PATTERN } from '@millrace/kernel';
import type { PrivacyAnnotation } from './contract.ts';
import * as field from './field.ts';
import { intakeSchemaOf, PRIVACY_KEYWORD, toJsonSchema, type SchemaNode } from './json-schema.ts';
import { compile, violationOf } from './validate.ts';

const nodeOf = (schema: z.ZodType): SchemaNode => toJsonSchema(z.object({ it: schema })).properties?.it ?? {};
const accepts = (schema: z.ZodType): ((value: unknown) => boolean) => {
  const validate = compile(intakeSchemaOf(toJsonSchema(z.object({ it: schema }))));
  return (value) => validate({ it: value });
};
const privacyOf = (schema: z.ZodType): PrivacyAnnotation | undefined => nodeOf(schema)[PRIVACY_KEYWORD];

const NOT_PERSONAL: readonly (readonly [string, z.ZodType, readonly unknown[], readonly unknown[]])[] = [
  ['text', field.text(5), ['a', 'a b c', '£££££'], ['', 'abcdef', 1, null]],
  ['id', field.id(), ['536365', 'BANK CHARGES', 'gift_0001_20', 'ü/1', 'x'.repeat(128)], ['', 'x'.repeat(129), 'a\nb', 'a\u0000', 'a\u200b', '\udc00', 7]],
  ['code', field.code(), ['card', 'card-declined', '3ds-2'], ['Card', '-card', 'card_declined', '', 'x'.repeat(65)]],
  ['oneOf', field.oneOf('web', 'app'), ['web', 'app'], ['Web', '', null, 'toString']],
  ['decimal', field.decimal(), ['0', '-12.50', '0.000001', '0.500000000000', '9'.repeat(12), `-${'9'.repeat(12)}.999999`], ['', '1e3', '.5', '5.', '0.0000001', '0.0000010001', `1.${'0'.repeat(13)}`, '9'.repeat(13), '1000000000000.00', 12.5, 12]],
  ['decimal of zero or more', field.decimal('not-negative'), ['0', '0.00', '12.50'], ['-1.5', '-0', '0.0000001']],
  ['decimal above zero', field.decimal('positive'), ['0.01', '10', '100.00'], ['0', '0.00', '-10.00', '0.0000001', '9'.repeat(13)]],
  ['quantity', field.quantity(), [6, -6, 0, '6', '0.250', '-1.5'], ['0.0000001', '9'.repeat(13), 0.5, 1e10, -1e10, '1e3', '', null, [], true]],
  ['units from 0', field.units(0), [0, 1, 1e9], [-1, 1.5, 1e9 + 1, '1']],
  ['units from 1', field.units(1), [1], [0]],
  ['integer', field.integer(2, 4), [2, 4], [1, 5, 2.5, '3', null]],
  ['flag', field.flag(), [true, false], [0, 'true', null]],
  ['currency', field.currency(), ['GBP', 'EUR'], ['gbp', 'EURO', '', 'E', '€€€']],
  ['time', field.time(), ['2011-01-31T08:26:00Z', '2011-01-31T08:26:00.1+14:00'], ['2011-01-31', '2011-02-31T00:00:00Z', '2011-01-31t08:26:00z', 0, '', '2011-01-31T24:00:00Z', '2011-01-31T08:26:00+1:00', '2011-00-10T00:00:00Z', '2011-01-00T00:00:00Z']],
  ['country', field.country(), ['DE', 'Channel Islands'], ['', 'x'.repeat(65)]],
  ['path', field.path(), ['/', '/p/85123A', '/straße'], ['', 'p', '/p?q=ann@shop.example', '/p#top', '/p\n', `/${'x'.repeat(2048)}`]],
];

const PERSONAL: readonly (readonly [string, z.ZodType, Partial<PrivacyAnnotation>, readonly unknown[], readonly unknown[]])[] = [
  ['personName', field.personName(), { kind: 'sealed', category: 'name', purpose: 'identity' }, ['Ann', 'Nguyễn Văn A', 'O\'Neil-Smith'], ['', 'x'.repeat(201), 'Ann\u0000']],
  ['email', field.email(), { kind: 'sealed', category: 'email', purpose: 'contact' }, ['a@b.example', 'ann+tag@shop.example', 'ü@ü.example'], ['ann', '@', 'a@', 'a b@c', 'a@b@c', `${'x'.repeat(250)}@b.example`]],
  ['phone', field.phone(), { kind: 'sealed', category: 'phone', mask: 'last-4' }, ['+44 20 7946 0000', '(no)'.replace('(no)', '0123/456-78'), '112'], ['', '+', 'call me', '1'.repeat(41)]],
  ['address', field.address(), { kind: 'sealed', category: 'address', mask: 'full' }, ['1 High Street\nLondon'], ['', 'x'.repeat(501)]],
  ['ip', field.ip(), { kind: 'sealed', category: 'ip', purpose: 'network', retentionDays: 90 }, ['192.0.2.7', '2001:db8::1', '::'], ['', 'localhost', '1'.repeat(46)]],
  ['customerNumber', field.customerNumber(), { kind: 'identifier', identifier: 'customer-number', kept: 'no' }, ['17850', 'KD-4711'], ['', 'x'.repeat(129), '1\n', 17_850]],
  ['customerNumber, kept', field.customerNumber('sealed'), { kind: 'identifier', identifier: 'customer-number', kept: 'sealed' }, ['17850'], ['']],
  ['customerEmail', field.customerEmail(), { kind: 'identifier', identifier: 'email', kept: 'no', purpose: 'contact' }, ['a@b.example'], ['a']],
  ['visitorId', field.visitorId(), { kind: 'identifier', identifier: 'visitor-id', kept: 'no' }, ['v-81', 'GA1.2.3'], ['', '\ud800']],
];

describe.each(NOT_PERSONAL)('%s', (_name, schema, good, bad) => {
  it.each(good.map((value) => [value]))('takes %j', (value) => expect(accepts(schema)(value)).toBe(true));
  it.each(bad.map((value) => [value]))('refuses %j', (value) => expect(accepts(schema)(value)).toBe(false));
  it('is not personal', () => expect(privacyOf(schema)).toEqual({ kind: 'none' }));
});

describe.each(PERSONAL)('%s', (_name, schema, annotation, good, bad) => {
  it.each(good.map((value) => [value]))('takes %j', (value) => expect(accepts(schema)(value)).toBe(true));
  it.each(bad.map((value) => [value]))('refuses %j', (value) => expect(accepts(schema)(value)).toBe(false));
  it('says how it is protected', () => expect(privacyOf(schema)).toMatchObject(annotation));
});

describe('every field', () => {
  const all = [...NOT_PERSONAL.map(([name, schema]) => [name, schema] as const), ...PERSONAL.map(([name, schema]) => [name, schema] as const)];
  it.each(all)('%s is annotated also when it is optional', (_name, schema) => expect(privacyOf(schema.optional())).toEqual(privacyOf(schema)));
  it.each(all)('%s is refused in words that say what was expected, for any value of another kind', (_name, schema) => {
    const validate = compile(intakeSchemaOf(toJsonSchema(z.object({ it: schema }))));
    for (const value of [null, {}, [1, 2]]) {
      expect(validate({ it: value })).toBe(false);
      expect(violationOf(validate.errors)).toEqual({ pointer: '/it', reason: expect.stringMatching(/^expected .{3,}, got (null|an object|an array of 2)$/) });
    }
  });
});

describe('decimals', () => {
  const written = fc.oneof(fc.string(), fc.stringMatching(/^-?\d{1,24}(\.\d{1,14})?$/));
  it('as stored are exactly those the kernel reads', () => {
    const validate = compile(toJsonSchema(z.object({ it: field.decimal('positive') })));
    fc.assert(fc.property(written, (text) => { expect(validate({ it: text })).toBe(DECIMAL_PATTERN.test(text)); }));
  });
  it('that come in are those of them that have the digits every reader counts with', () => {
    const takes = accepts(field.decimal());
    fc.assert(fc.property(written, (text) => {
      const [digits = '', decimals = ''] = text.replace('-', '').split('.');
      expect(takes(text)).toBe(DECIMAL_PATTERN.test(text) && digits.length <= AMOUNT_DIGITS.whole && decimals.replace(/0+$/, '').length <= AMOUNT_DIGITS.fraction);
    }));
  });
});

describe('times', () => {
  it('are those Date reads back as the same moment', () => {
    const takes = accepts(field.time());
    fc.assert(fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => { expect(takes(date.toISOString())).toBe(true); }));
    fc.assert(fc.property(fc.nat(3000), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }), (year, month, day) => {
      const pad = (n: number, digits: number): string => String(n).padStart(digits, '0');
      const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T00:00:00.000Z`;
      const parsed = new Date(text);
      expect(takes(text)).toBe(!Number.isNaN(parsed.getTime()) && parsed.toISOString() === text);
    }));
  });
});
