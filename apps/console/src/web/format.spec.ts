import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { grouped, moment, money, plotted, shortHash } from './format.ts';

describe('grouped', () => {
  it.each([['0', '0'], ['999', '999'], ['1000', '1,000'], ['9747747.934', '9,747,747.934'], ['-11062.06', '\u221211,062.06'], ['0.0010', '0.0010'], ['12345678901234567890.10', '12,345,678,901,234,567,890.10']])('%s -> %s', (text, expected) => {
    expect(grouped(text)).toBe(expected);
  });

  it('leaves what is no decimal as it is', () => {
    expect(grouped('n/a')).toBe('n/a');
    expect(grouped('1e9')).toBe('1e9');
    expect(grouped('')).toBe('');
  });

  it('never changes a digit', () => {
    fc.assert(fc.property(fc.bigInt(), fc.option(fc.stringMatching(/^\d{1,12}$/)), (whole, fraction) => {
      const text = fraction === null ? String(whole) : `${whole}.${fraction}`;
      expect(grouped(text).replaceAll(',', '').replace('\u2212', '-')).toBe(text);
    }));
  });

  it('puts a comma before every third digit from the right', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n }), (whole) => {
      const groups = grouped(String(whole)).split(',');
      expect(groups.slice(1).every((group) => group.length === 3)).toBe(true);
      expect(groups[0]!.length).toBeLessThanOrEqual(3);
    }));
  });
});

it('prints money with its currency after the amount', () => {
  expect(money('1234.50', 'EUR')).toBe('1,234.50 EUR');
});

it('prints a moment in UTC without the letters of ISO 8601', () => {
  expect(moment('2026-11-23T20:31:05.123Z')).toBe('2026-11-23 20:31:05');
  expect(moment('2026-11-23T20:31:05Z')).toBe('2026-11-23 20:31:05');
});

it('shortens long hashes only', () => {
  expect(shortHash('a'.repeat(64))).toBe(`${'a'.repeat(10)}\u2026${'a'.repeat(6)}`);
  expect(shortHash('abc')).toBe('abc');
});

it('gives a chart a float', () => {
  expect(plotted('-2.50')).toBe(-2.5);
});
