import { caughtUpAfter, largestLag, type Look } from './coverage-lag.ts';

const looks = (...rows: readonly (readonly [number, number, number])[]): Look[] => rows.map(([ms, head, covered]) => ({ ms, head, covered }));

describe('largestLag', () => {
  it('is nothing for a follower that is never behind', () => {
    expect(largestLag(looks([0, 0, 0], [50, 10, 10], [100, 20, 20]))).toBe(0);
    expect(largestLag([])).toBe(0);
  });

  it('counts from when the first event not covered was there, not from the last look', () => {
    // Position 11 was there at 100; at 400 still only 10 are covered.
    expect(largestLag(looks([0, 10, 10], [100, 20, 10], [200, 30, 10], [400, 40, 10], [500, 40, 40]))).toBe(300);
  });

  it('counts from the next event once some were covered', () => {
    expect(largestLag(looks([0, 10, 0], [100, 20, 10], [200, 30, 20], [300, 40, 30]))).toBe(0);
    expect(largestLag(looks([0, 10, 0], [100, 20, 0], [200, 30, 10], [350, 40, 20]))).toBe(150);
  });

  it('keeps the largest of several', () => {
    expect(largestLag(looks([0, 5, 0], [300, 5, 0], [310, 5, 5], [400, 9, 5], [450, 9, 5], [500, 9, 9]))).toBe(300);
  });
});

describe('caughtUpAfter', () => {
  const series = looks([0, 5, 5], [100, 9, 5], [200, 9, 7], [300, 9, 9], [400, 9, 9]);

  it('is the time to the first look with nothing behind, not one before', () => {
    expect(caughtUpAfter(series, 100)).toBe(200);
    expect(caughtUpAfter(series, 0)).toBe(0);
  });

  it('is unknown while the follower is behind', () => {
    expect(caughtUpAfter(series.slice(0, 3), 100)).toBeUndefined();
    expect(caughtUpAfter(series, Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});
