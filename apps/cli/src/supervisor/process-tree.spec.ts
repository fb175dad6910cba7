import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startedTicksIn } from '../home/process-identity.ts';
import { lastLine } from './log-rotation.ts';
import { pssIn, treeOf } from './process-tree.ts';

const ROLLUP = `00400000-7ffd1000 ---p 00000000 00:00 0                                  [rollup]
Rss:               90112 kB
Pss:               51234 kB
Pss_Dirty:         40000 kB
Pss_Anon:          40000 kB
SwapPss:               0 kB
`;

describe('the proportional set size', () => {
  it('is the line Pss of smaps_rollup, in bytes', () => {
    expect(pssIn(ROLLUP)).toBe(51_234 * 1024);
  });
  it('is unknown where the kernel gave no such line', () => {
    expect(pssIn('Rss: 12 kB\n')).toBeUndefined();
  });
});

describe('a process tree', () => {
  const parents = new Map([[2, 1], [3, 2], [4, 2], [5, 3], [9, 1]]);
  it('is the process and all below it', () => {
    expect(treeOf(2, parents).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
  });
  it('leaves out what is counted elsewhere, with its children', () => {
    expect(treeOf(1, parents, new Set([3, 9])).toSorted((a, b) => a - b)).toEqual([1, 2, 4]);
  });
  it('never counts a process twice', () => {
    const forest = fc.array(fc.nat(), { minLength: 1, maxLength: 60 }).map((picks) => new Map(picks.map((pick, index) => [index + 1, pick % (index + 1)])));
    fc.assert(fc.property(forest, (tree) => {
      const found = treeOf(0, tree);
      expect(new Set(found).size).toBe(found.length);
      expect(found).toHaveLength(tree.size + 1);
    }));
  });
});

it('finds the start time behind a command name with spaces and parentheses', () => {
  const fields = Array.from({ length: 30 }, (_, index) => String(index + 3));
  expect(startedTicksIn(`77 (a (b) c) ${fields.join(' ')}`)).toBe('22');
});

describe('the last words of a process', () => {
  it('are the message of a JSON line', () => {
    expect(lastLine('{"msg":"one"}\n{"level":60,"msg":"no \\"way\\""}\n')).toBe('no \\"way\\"');
  });
  it('are the error where Node reports an uncaught one', () => {
    expect(lastLine('starting\n/x/main.js:3\n  throw new Error("why");\n\nTypeError: it broke: here\n    at main.js:3\n\nNode.js v26.10.0\n')).toBe('TypeError: it broke: here');
  });
  it('are the last line otherwise, not too long', () => {
    expect(lastLine('a\nb  \n\n')).toBe('b');
    expect(lastLine('x'.repeat(1000))).toHaveLength(300);
    expect(lastLine('')).toBe('');
  });
});
