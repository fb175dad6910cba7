import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countMembers, scanJson, scanJsonBatch } from './json-scanner.ts';

const scan = (text: string) => scanJson(Buffer.from(text));
const batch = (text: string, maxEvents = 500) => scanJsonBatch(Buffer.from(text), maxEvents);
const code = (work: () => unknown): string => {
  try {
    work();
    return 'nothing thrown';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the lexical pass', () => {
  it('finds every element of any batch, in place, with its members and depth', () => {
    const depthOf = (value: unknown): number => (typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0);
    fc.assert(fc.property(fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 6 }), fc.constantFrom(undefined, 2, '\t'), (values, indent) => {
      const bytes = Buffer.from(JSON.stringify(values, null, indent));
      const slices = scanJsonBatch(bytes, 6);
      expect(slices.map(({ start, end }) => JSON.parse(bytes.toString('utf8', start, end)))).toEqual(JSON.parse(JSON.stringify(values)));
      expect(slices.map(({ members }) => members)).toEqual(values.map(countMembers));
      expect(slices.map(({ depth }) => depth)).toEqual(values.map(depthOf));
    }));
  });

  it('never runs past the end of any bytes, and says not-json or gives a slice within them', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const verdict = code(() => {
        const { start, end } = scanJson(bytes);
        if (start >= end || end > bytes.length) throw new Error('outside');
      });
      expect(['nothing thrown', 'not-json']).toContain(verdict);
    }));
  });

  it('counts a repeated name twice, which the parsed value does not', () => {
    const text = '{"a":1,"a":2,"b":{"a":3}}';
    expect(scan(text).members).toBe(4);
    expect(countMembers(JSON.parse(text))).toBe(3);
  });

  it('tells the widest object apart from many small ones', () => {
    expect(scan('[{"a":1,"b":2},{"a":1,"b":2},{"a":{"x":1},"b":2,"c":3}]')).toMatchObject({ members: 8, widest: 3, depth: 3 });
  });

  it.each(['"\\u0000"', '"\\uD800"', '"\\udc00x"', '12345678901234567', '1e400', '{"a":1E5}'])('doubts %s', (text) => {
    expect(scan(text).doubtful).toBe(true);
  });

  it.each(['"\\u0041"', '"\\\\u0000"', '123456789012345', '-0.25', '{"e":"1e400"}', 'true'])('does not doubt %s', (text) => {
    expect(scan(text).doubtful).toBe(false);
  });

  it.each(['', ' ', '{', '{"a":"b', '[1,2', '"\\', '{}{}', '[]]', '[1 2]', '{} x'])('refuses %j as not JSON', (text) => {
    expect([code(() => scan(text)), code(() => batch(text))]).toContain('not-json');
  });

  it('refuses a batch with one event too many before anything is parsed', () => {
    expect(batch('[1,2,3]', 3)).toHaveLength(3);
    expect(code(() => batch('[1,2,3,4]', 3))).toBe('events-too-many');
    expect(batch(' [ ] ')).toEqual([]);
  });

  it('measures a depth of a million without a stack', () => {
    expect(scan(`${'['.repeat(1e6)}${']'.repeat(1e6)}`).depth).toBe(1e6);
  });
});
