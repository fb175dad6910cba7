import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextDay, periodOf, writtenPeriod } from './period.ts';

it.each([
  ['2011-01', '2011-01-01T00:00:00.000Z', '2011-02-01T00:00:00.000Z'],
  ['2011-12', '2011-12-01T00:00:00.000Z', '2012-01-01T00:00:00.000Z'],
  ['2012-02-29', '2012-02-29T00:00:00.000Z', '2012-03-01T00:00:00.000Z'],
  ['2011-12-31', '2011-12-31T00:00:00.000Z', '2012-01-01T00:00:00.000Z'],
  ['2011-01-04T23', '2011-01-04T23:00:00.000Z', '2011-01-05T00:00:00.000Z'],
])('%s is from %s to %s', (label, from, to) => {
  expect(periodOf(label)).toEqual({ from, to });
});

it('makes consecutive hours meet without gap or overlap', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 500_000 }), (hours) => {
    const at = (n: number): string => new Date(n * 3_600_000).toISOString().slice(0, 13);
    expect(periodOf(at(hours)).to).toBe(periodOf(at(hours + 1)).from);
  }));
});

it.each([['2011-01', 'Jan 2011'], ['2011-01-04', '4 Jan 2011'], ['2026-11-30T00', '30 Nov, 00:00'], ['never', 'never']])('%s is written %s', (label, written) => {
  expect(writtenPeriod(label)).toBe(written);
});

it('knows the day after the last of a month', () => expect([nextDay('2012-02-28'), nextDay('2026-12-31')]).toEqual(['2012-02-29', '2027-01-01']));
