import { describe, expect, it } from '@jest/globals';
import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBTimestampTZValue, DuckDBTimestampValue } from '@duckdb/node-api';
import { formatDecimal, parseDecimal } from '@millrace/kernel';
import fc from 'fast-check';
import { toJson } from './result-value.ts';

describe('a decimal', () => {
  it('is its exact value, whatever the column\'s scale', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer({ min: 0, max: 12 }), (units, scale) => {
      const text = toJson(new DuckDBDecimalValue(units, 38, scale)) as string;
      const back = parseDecimal(text);
      expect(back.units * 10n ** BigInt(scale - back.scale)).toBe(units);
      expect(text).not.toMatch(/\.$|\.\d*0$/);
    }));
  });

  it('that equals another is the same text', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }), (units, scale, more) => {
      expect(toJson(new DuckDBDecimalValue(units * 10n ** BigInt(more), 38, scale + more))).toBe(toJson(new DuckDBDecimalValue(units, 38, scale)));
    }));
  });

  it.each([[0n, 2, '0'], [-5n, 1, '-0.5'], [100n, 0, '100'], [100n, 2, '1'], [9747747934n, 3, '9747747.934']])('%s of scale %i is %s', (units, scale, text) => {
    expect(toJson(new DuckDBDecimalValue(units, 38, scale))).toBe(text);
    expect(formatDecimal(parseDecimal(text))).toBe(text);
  });
});

describe('an integer', () => {
  it('is a number while exact, and text beyond', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), (value) => {
      const json = toJson(value);
      expect(BigInt(json as string | number)).toBe(value);
      expect(typeof json).toBe(Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value && value <= 2n ** 53n - 1n && value >= -(2n ** 53n) + 1n ? 'number' : 'string');
    }));
  });
});

describe('a time', () => {
  it('is ISO 8601 in UTC, to the microsecond', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1990-01-01'), max: new Date('2049-12-31'), noInvalidDate: true }), (date) => {
      const micros = BigInt(date.getTime()) * 1000n;
      for (const value of [new DuckDBTimestampValue(micros), new DuckDBTimestampTZValue(micros)]) expect(new Date(toJson(value) as string).getTime()).toBe(date.getTime());
    }));
    expect(toJson(new DuckDBTimestampValue(1n))).toBe('1970-01-01T00:00:00.000001Z');
  });

  it('without end is what DuckDB calls it', () => {
    expect([DuckDBTimestampValue.PosInf, DuckDBTimestampValue.NegInf, DuckDBTimestampTZValue.PosInf].map(toJson)).toEqual(['infinity', '-infinity', 'infinity']);
  });

  it('of a day is the day', () => {
    expect(toJson(new DuckDBDateValue(14_975))).toBe('2011-01-01');
  });
});

it('goes down into lists, structs and maps', () => {
  const inner = new DuckDBDecimalValue(150n, 9, 2);
  expect(toJson(new DuckDBListValue([inner, null, new DuckDBStructValue({ a: inner, b: new DuckDBMapValue([{ key: 'k', value: new DuckDBBlobValue(Uint8Array.of(1, 255)) }]) })])))
    .toEqual(['1.5', null, { a: '1.5', b: [{ key: 'k', value: '01ff' }] }]);
});

it('gives floats that JSON has no word for as text', () => {
  expect([1.5, Number.NaN, Infinity, -Infinity].map(toJson)).toEqual([1.5, 'NaN', 'Infinity', '-Infinity']);
});
