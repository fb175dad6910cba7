import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK, covers, fileNameOf, mergesOf, publicationOf, splitAtBlocks, type PositionRange } from './position-range.rule.ts';

const range = (first: number, last: number): PositionRange => ({ first, last });
const head = fc.integer({ min: 1, max: 5 * BLOCK });

/** Every position from 1 to `last` in exactly one of the ranges. */
const isDense = (ranges: readonly PositionRange[], last: number): boolean => {
  const sorted = ranges.toSorted((a, b) => a.first - b.first);
  return sorted.every((each, index) => each.first === (sorted[index - 1]?.last ?? 0) + 1 && each.first <= each.last) && sorted.at(-1)?.last === last;
};

describe('splitAtBlocks', () => {
  it('leaves a range within a block whole', () => {
    expect(splitAtBlocks(range(1, BLOCK))).toEqual([range(1, BLOCK)]);
  });

  it('cuts at every border', () => {
    expect(splitAtBlocks(range(BLOCK - 1, 2 * BLOCK + 3))).toEqual([range(BLOCK - 1, BLOCK), range(BLOCK + 1, 2 * BLOCK), range(2 * BLOCK + 1, 2 * BLOCK + 3)]);
  });

  it('loses and doubles nothing', () => {
    fc.assert(fc.property(head, (last) => { expect(isDense(splitAtBlocks(range(1, last)), last)).toBe(true); }));
  });
});

describe('mergesOf', () => {
  it('makes one file of a finished block', () => {
    expect(mergesOf([range(1, 4000), range(4001, BLOCK), range(BLOCK + 1, BLOCK + 5)])).toEqual([range(1, BLOCK)]);
  });

  it('leaves a finished block in one file, and an unfinished one in few, alone', () => {
    expect(mergesOf([range(1, BLOCK), range(BLOCK + 1, BLOCK + 5), range(BLOCK + 6, BLOCK + 9)])).toEqual([]);
  });

  it('leaves a finished block in as many files as it may have, and merges it in more', () => {
    const parts = [range(1, 3000), range(3001, 7000), range(7001, BLOCK)];
    expect(mergesOf(parts, 3)).toEqual([]);
    expect(mergesOf(parts, 2)).toEqual([range(1, BLOCK)]);
    // An unfinished one has its own measure.
    expect(mergesOf(Array.from({ length: 17 }, (_, index) => range(index + 1, index + 1)), 3)).toEqual([range(1, 17)]);
  });

  it('merges an unfinished block when its files become many', () => {
    const files = Array.from({ length: 17 }, (_, index) => range(index + 1, index + 1));
    expect(mergesOf(files.slice(0, 16))).toEqual([]);
    expect(mergesOf(files)).toEqual([range(1, 17)]);
  });
});

describe('publicationOf', () => {
  it('writes only what is new', () => {
    expect(publicationOf([range(1, 100)], 150)).toEqual({ write: [range(101, 150)], keep: [range(1, 100)], drop: [] });
  });

  it('does nothing when nothing is new', () => {
    expect(publicationOf([range(1, 100)], 100)).toEqual({ write: [], keep: [range(1, 100)], drop: [] });
  });

  it('replaces the parts of a block that has become full, and starts the next', () => {
    expect(publicationOf([range(1, 100), range(101, 150)], BLOCK + 1)).toEqual({ write: [range(1, BLOCK), range(BLOCK + 1, BLOCK + 1)], keep: [], drop: [range(1, 100), range(101, 150)] });
  });

  it('covers every position once, never over a border and in few files, however publications fall', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 60 }), (steps) => {
      let files: PositionRange[] = [];
      let last = 0;
      for (const step of steps) {
        last += step;
        const { write, keep, drop } = publicationOf(files, last);
        expect(drop.every((file) => write.some((made) => covers(made, file)))).toBe(true);
        expect([...keep, ...drop]).toHaveLength(files.length);
        files = [...keep, ...write];
        expect(isDense(files, last)).toBe(true);
      }
      expect(files.every((file) => splitAtBlocks(file).length === 1)).toBe(true);
      expect(files.length).toBeLessThanOrEqual(Math.ceil(last / BLOCK) + 16);
    }));
  });
});

it('names files so that their order is that of positions', () => {
  fc.assert(fc.property(head, head, (a, b) => { expect(fileNameOf(range(a, a)) < fileNameOf(range(b, b))).toBe(a < b); }));
  expect(fileNameOf(range(1, 10_000))).toBe('000000000001-000000010000.parquet');
});
