import fc from 'fast-check';
import { differences, withoutField } from './field-difference.ts';

describe('data without a field', () => {
  const data = { a: 1, list: [{ x: 1, y: 2 }, { y: 3 }], deep: { 'b/c': 4 } };
  it.each([
    ['/a', { list: data.list, deep: data.deep }], ['/list/*/x', { ...data, list: [{ y: 2 }, { y: 3 }] }], ['/deep/b~1c', { ...data, deep: {} }], ['/list', { a: 1, deep: data.deep }], ['/none/at/all', data],
  ])('lacks %s everywhere, and nothing else', (pointer, expected) => expect(withoutField(data, pointer)).toEqual(expected));
  it('is a copy', () => expect(data.list[0]).toEqual({ x: 1, y: 2 }));
});

describe('differences', () => {
  it('are named by the deepest place, once for all elements', () => {
    expect(differences({ a: 1, l: [{ x: 1 }, { x: 2 }], s: { t: 'u' } }, { a: 1, l: [{ x: 9 }, { x: 8 }], s: {} })).toEqual(['/l/*/x', '/s/t']);
    expect(differences({ a: [1] }, { a: {} })).toEqual(['/a']);
    expect(differences({ a: 1 }, { b: 1 })).toEqual(['/a', '/b']);
  });
  it('are none between equals', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(differences(value, JSON.parse(JSON.stringify(value)))).toEqual([])));
  });
});
