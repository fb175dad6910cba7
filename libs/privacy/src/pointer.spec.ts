import { describe, expect, it } from '@jest/globals';
import type { Json, JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { changePlaces, parsePointer, walk } from './pointer.ts';

const data: JsonObject = { a: { 'b/c': [{ d: 1 }, { d: 2 }, 3], 'm~n': 'x' }, list: [[1, 2], [3]], '*': 'star', none: null };
const places = (pointer: string): [string, Json][] => {
  const seen: [string, Json][] = [];
  expect(changePlaces(data, parsePointer(pointer), (value, path) => { seen.push([path, value]); return value; })).toEqual(data);
  return seen;
};

describe('a pointer', () => {
  it.each<[string, [string, Json][]]>([
    ['/a/b~1c/0/d', [['/a/b~1c/0/d', 1]]],
    ['/a/b~1c/*/d', [['/a/b~1c/0/d', 1], ['/a/b~1c/1/d', 2]]],
    ['/a/m~0n', [['/a/m~0n', 'x']]],
    ['/list/*/*', [['/list/0/0', 1], ['/list/0/1', 2], ['/list/1/0', 3]]],
    ['/list/1', [['/list/1', [3]]]],
    ['/*', [['/*', 'star']]],
    ['/none', [['/none', null]]],
    ['', [['', data]]],
    ['/absent', []], ['/a/absent/deep', []], ['/none/deep', []], ['/list/7', []], ['/list/01', []], ['/list/-', []], ['/a/m~0n/length', []], ['/toString', []], ['/__proto__', []],
  ])('%j names these places', (pointer, expected) => expect(places(pointer)).toEqual(expected));

  it.each(['a', 'a/b', '#/a'])('is not %j', (text) => expect(() => parsePointer(text)).toThrow(expect.objectContaining({ code: 'pointer-malformed' })));
});

describe('changing places', () => {
  it('copies what lies on the way and shares the rest', () => {
    const changed = changePlaces(data, parsePointer('/a/m~0n'), () => 'y');
    expect(changed).toEqual({ ...data, a: { 'b/c': [{ d: 1 }, { d: 2 }, 3], 'm~n': 'y' } });
    expect(changed['list']).toBe(data['list']);
    expect((changed['a'] as JsonObject)['b/c']).toBe((data['a'] as JsonObject)['b/c']);
  });

  it('removes members and empties elements', () => {
    expect(changePlaces(data, parsePointer('/a/b~1c/*/d'), () => undefined)['a']).toEqual({ 'b/c': [{}, {}, 3], 'm~n': 'x' });
    expect(changePlaces(data, parsePointer('/list/*/0'), () => undefined)['list']).toEqual([[null, 2], [null]]);
  });

  it('reaches, by the pointer that walking gives, every value of any JSON and no other', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (any) => {
      const tree = JSON.parse(JSON.stringify(any)) as JsonObject;
      const visited: [string, Json][] = [];
      walk(tree, (value, path) => { visited.push([path, value]); return true; });
      for (const [path, value] of visited) {
        const reached: [string, Json][] = [];
        changePlaces(tree, parsePointer(path), (found, at) => { reached.push([at, found]); return found; });
        // A member called "*" below a list can't be named apart from all elements; contracts have none.
        const ambiguous = path.split('/').includes('*');
        expect(ambiguous ? [] : reached).toEqual(ambiguous ? [] : [[path, value]]);
      }
    }), { numRuns: 60 });
  });

  it('stays out of what a visitor declines', () => {
    const seen: string[] = [];
    walk(data, (_, path) => { seen.push(path); return path !== '/a' && path !== '/list'; });
    expect(seen).toEqual(['', '/a', '/list', '/*', '/none']);
  });
});
