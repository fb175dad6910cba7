import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findJsonFault } from './json-fault.ts';

const faultOf = (text: string) => {
  const found = findJsonFault(text);
  return found.ok ? undefined : { pointer: found.rejection.pointer, code: found.rejection.code };
};

describe('the slow look', () => {
  it.each([
    ['{"data":{"a":1,"b":{"c":1,"c":2}}}', '/data/b/c', 'duplicate-key'],
    ['{"a/b":1,"a\\/b":2}', '/a~1b', 'duplicate-key'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__', 'duplicate-key'],
    ['[{"a":"x\\u0000y"}]', '/0/a', 'nul-character'],
    ['{"a":{"b\\u0000":1}}', '/a', 'nul-character'],
    ['{"a":["ok","\\ud83d"]}', '/a/1', 'lone-surrogate'],
    ['{"a":"\\udc00\\ud800"}', '/a', 'lone-surrogate'],
    ['{"n":9007199254740992}', '/n', 'number-not-exact'],
    ['{"n":-1e16}', '/n', 'number-not-exact'],
    ['{"n":1e400}', '/n', 'number-not-exact'],
    ['{"n":1e-400}', '/n', 'number-not-exact'],
    ['{"n":0.123456789012345678}', '/n', 'number-not-exact'],
    ['  [ 1 , 2 , { "n" : [ 123456789012345678901234567890 ] } ]', '/2/n/0', 'number-not-exact'],
  ])('%s has its fault at %s', (text, pointer, code) => {
    expect(faultOf(text)).toEqual({ pointer, code });
  });

  it.each(['{"a":{"a":{"a":1}},"b":"a"}', '"\\ud83d\\ude00"', '9007199254740991', '-0', '0.1', '1e3', '12.50', '0.12345678901234567', '0.000e5', '{}', '[]', ' { "a" : [ ] } '])('%s is sound', (text) => {
    expect(faultOf(text)).toBeUndefined();
  });

  it('finds nothing in what JSON.stringify writes of well-formed values with exact numbers', () => {
    const exact = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.boolean(), fc.constant(null), fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')), tie('value'), { maxKeys: 4 })),
    })).value;
    fc.assert(fc.property(exact, (value) => {
      expect(faultOf(JSON.stringify(value))).toBeUndefined();
    }));
  });

  it('never repeats the text it refuses', () => {
    const found = findJsonFault('{"name":"Ann\\u0000 Example"}');
    expect(JSON.stringify(found)).not.toContain('Ann');
  });
});
