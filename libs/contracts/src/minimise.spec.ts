import fc from 'fast-check';
import { z } from 'zod';
import { toJsonSchema } from './json-schema.ts';
import { minimise, shapeOf } from './minimise.ts';

const shape = shapeOf(toJsonSchema(z.object({
  a: z.string(),
  nested: z.object({ b: z.string(), deeper: z.object({ c: z.string() }) }),
  list: z.array(z.object({ d: z.number(), e: z.array(z.object({ f: z.string() })) })),
  leaves: z.array(z.string()),
})));

const run = (value: unknown): { kept: unknown; dropped: string[] } => {
  const dropped: string[] = [];
  return { kept: minimise(shape, value, dropped), dropped };
};

/** A value of the shape with each field present or not. */
const named = fc.record({
  a: fc.string(),
  nested: fc.record({ b: fc.string(), deeper: fc.record({ c: fc.string() }, { requiredKeys: [] }) }, { requiredKeys: [] }),
  list: fc.array(fc.record({ d: fc.integer(), e: fc.array(fc.record({ f: fc.string() }), { maxLength: 2 }) }, { requiredKeys: [] }), { maxLength: 3 }),
  leaves: fc.array(fc.string(), { maxLength: 3 }),
}, { requiredKeys: [], noNullPrototype: true });

const unnamed = fc.string().filter((name) => !['a', 'nested', 'list', 'leaves', '__proto__'].includes(name));

describe('minimise', () => {
  it('keeps what is named, as the same value', () => {
    fc.assert(fc.property(named, (value) => {
      const { kept, dropped } = run(value);
      expect(kept).toBe(value);
      expect(dropped).toEqual([]);
    }));
  });
  it('drops exactly the unnamed fields and leaves the given value alone', () => {
    fc.assert(fc.property(named, fc.uniqueArray(unnamed, { maxLength: 4 }), fc.jsonValue(), (value, names, junk) => {
      const given = { ...value, ...Object.fromEntries(names.map((name) => [name, junk])) };
      const before = JSON.stringify(given);
      const { kept, dropped } = run(given);
      expect(kept).toEqual(value);
      expect(dropped).toHaveLength(names.length);
      expect(JSON.stringify(given)).toBe(before);
    }));
  });
  it('is idempotent on any JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const once = run(value).kept;
      expect(run(once)).toEqual({ kept: once, dropped: [] });
    }));
  });
  it('tells where nested fields stood', () => {
    expect(run({ nested: { x: 1, deeper: { 'y/z': 2, c: 'c' } }, list: [{ d: 1 }, { d: 2, q: 3, e: [{ f: 'f', g: 1 }] }] })).toEqual({
      kept: { nested: { deeper: { c: 'c' } }, list: [{ d: 1 }, { d: 2, e: [{ f: 'f' }] }] },
      dropped: ['/nested/x', '/nested/deeper/y~1z', '/list/1/q', '/list/1/e/0/g'],
    });
  });
  it('shares what lost nothing', () => {
    const nested = { b: 'b' };
    const { kept } = run({ nested, junk: 1 });
    expect((kept as { nested: unknown }).nested).toBe(nested);
  });
  it('leaves a value of another kind for validation to refuse', () => {
    for (const value of [null, 1, 'text', [], [[]]]) expect(run(value)).toEqual({ kept: value, dropped: [] });
    expect(run({ nested: [{ x: 1 }], list: { y: 1 } })).toEqual({ kept: { nested: [{ x: 1 }], list: { y: 1 } }, dropped: [] });
  });
  it('drops a field named __proto__ without touching any prototype', () => {
    const { kept, dropped } = run(JSON.parse('{"a":"1","__proto__":{"polluted":true}}'));
    expect([kept, dropped]).toEqual([{ a: '1' }, ['/__proto__']]);
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
  it('drops ten thousand fields and says so', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, i]));
    expect(run({ a: 'kept', ...many })).toMatchObject({ kept: { a: 'kept' }, dropped: { length: 10_000 } });
  });
});
