import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { counted, grouped, inUnit, megabytes, moment, money, percentage, plotted, rounded } from './format.ts';

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

it('gives a chart a float', () => {
  expect(plotted('-2.50')).toBe(-2.5);
});

it('counts in words', () => {
  expect([counted(0, 'row'), counted(1, 'row'), counted('1234', 'row')]).toEqual(['0 rows', '1 row', '1,234 rows']);
});

describe('a rounded decimal', () => {
  it.each([['533.173', '533.17'], ['533.175', '533.18'], ['533.165', '533.16'], ['533.1650001', '533.17'], ['0.999', '1.00'], ['-0.004', '0.00'], ['-1.235', '-1.24'], ['5', '5'], ['5.1', '5.1'], ['12345678901234567890.125', '12345678901234567890.12']])('%s is %s to two places', (exact, expected) => {
    expect(rounded(exact, 2)).toBe(expected);
  });

  it('leaves what is no decimal as it is', () => expect(rounded('n/a', 2)).toBe('n/a'));

  it('is never further away than half of its last place', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 5 }), (thousandths, places) => {
      const digits = String(thousandths < 0n ? -thousandths : thousandths).padStart(7, '0');
      const text = `${thousandths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
      const result = rounded(text, places);
      expect(result.split('.')[1] ?? '').toHaveLength(places);
      const back = BigInt(result.replace('.', '')) * 10n ** BigInt(6 - places);
      const distance = back > thousandths ? back - thousandths : thousandths - back;
      expect(distance * 2n <= 10n ** BigInt(6 - places)).toBe(true);
    }));
  });
});

it.each([['0.017126', '1.7126'], ['0', '0'], ['1', '100'], ['0.5', '50'], ['0.005', '0.5'], ['1.25', '125'], ['n/a', 'n/a']])('the ratio %s is %s percent', (ratio, expected) => {
  expect(percentage(ratio)).toBe(expected);
});

it('gives a currency to money alone', () => {
  expect(inUnit('12.50', 'money', 'EUR')).toBe('12.50 EUR');
  expect(inUnit('1', 'customers', 'EUR')).toBe('1 customer');
  expect(inUnit('1200', 'items', 'EUR')).toBe('1,200 items');
  expect(inUnit('0.0171', 'ratio', 'EUR')).toBe('1.71 %');
  expect(inUnit('1', undefined, 'EUR')).toBe('1');
});

it('prints memory in millions of bytes', () => expect(megabytes(112_400_000)).toBe('112.4 MB'));
