import fc from 'fast-check';
import { addDecimal, compareDecimal, DECIMAL_PATTERN, formatDecimal, isNegative, multiplyDecimal, negateDecimal, parseDecimal, ZERO, type Decimal } from './decimal.ts';
import { DomainError } from './domain-error.ts';

const decimal: fc.Arbitrary<Decimal> = fc.record({ units: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), scale: fc.nat(12) }, { noNullPrototype: true });
const text = fc.tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }), fc.option(fc.stringMatching(/^\d{1,12}$/), { nil: undefined }))
  .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}`);
/** The value at a scale no test exceeds: equal exactly when the numbers are. */
const rank = (d: Decimal): bigint => d.units * 10n ** BigInt(48 - d.scale);

describe('decimal text', () => {
  it.each([
    ['0', 0n, 0], ['12.50', 1250n, 2], ['-12.50', -1250n, 2], ['-0.5', -5n, 1], ['0.001', 1n, 3], ['007', 7n, 0], ['-0', 0n, 0], ['-0.00', 0n, 2],
    ['99999999999999999999.999999999999', 99999999999999999999999999999999n, 12],
  ])('%s is read exactly', (written, units, scale) => expect(parseDecimal(written)).toEqual({ units, scale }));

  it.each(['', '-', '.', '.5', '5.', '+1', '1e3', '1E3', '1,5', '1 000', ' 1', '1 ', '1\n', '0x10', 'NaN', 'Infinity', '--1', '1.2.3', '١', '1'.repeat(21), `1.${'1'.repeat(13)}`])('%j is refused', (written) => {
    expect(() => parseDecimal(written)).toThrow(DomainError);
    expect(DECIMAL_PATTERN.test(written)).toBe(false);
  });

  it('a refusal tells the length, never the text: an amount may be somebody\'s', () => {
    const refusal = (): unknown => parseDecimal('12,50 EUR to Ann');
    expect(refusal).toThrow(expect.objectContaining({ kind: 'invalid', code: 'decimal-malformed', details: { length: 16 } }));
    expect(refusal).not.toThrow('Ann');
  });

  it('comes back from its units and scale', () => {
    fc.assert(fc.property(decimal, (d) => { expect(parseDecimal(formatDecimal(d))).toEqual(d); }));
  });
  it('is written back as it was, but for leading zeros and the sign of zero', () => {
    fc.assert(fc.property(text, (written) => {
      const expected = /^-0+(\.0+)?$/.test(written) ? written.slice(1) : written;
      expect(formatDecimal(parseDecimal(written))).toBe(expected);
    }));
  });
  it('keeps its scale', () => expect(['2.50', '2.5', '2', '-0.010'].map((t) => formatDecimal(parseDecimal(t)))).toEqual(['2.50', '2.5', '2', '-0.010']));
});

describe('sums and products', () => {
  it('are exact where floats are not', () => {
    expect(formatDecimal(addDecimal(parseDecimal('0.1'), parseDecimal('0.2')))).toBe('0.3');
    expect(formatDecimal(multiplyDecimal(parseDecimal('1.005'), parseDecimal('1000')))).toBe('1005.000');
    expect(formatDecimal(addDecimal(parseDecimal('9007199254740993'), parseDecimal('0.01')))).toBe('9007199254740993.01');
  });
  it('do not depend on order or grouping', () => {
    fc.assert(fc.property(decimal, decimal, decimal, (a, b, c) => {
      expect(rank(addDecimal(a, b))).toBe(rank(addDecimal(b, a)));
      expect(rank(addDecimal(addDecimal(a, b), c))).toBe(rank(addDecimal(a, addDecimal(b, c))));
      expect(rank(multiplyDecimal(a, b))).toBe(rank(multiplyDecimal(b, a)));
      expect(rank(multiplyDecimal(multiplyDecimal(a, b), c))).toBe(rank(multiplyDecimal(a, multiplyDecimal(b, c))));
      expect(rank(multiplyDecimal(a, addDecimal(b, c)))).toBe(rank(addDecimal(multiplyDecimal(a, b), multiplyDecimal(a, c))));
    }));
  });
  it('have zero and one as neutral elements', () => {
    fc.assert(fc.property(decimal, (d) => {
      expect(rank(addDecimal(d, ZERO))).toBe(rank(d));
      expect(rank(multiplyDecimal(d, { units: 1n, scale: 0 }))).toBe(rank(d));
      expect(rank(multiplyDecimal(d, ZERO))).toBe(rank(ZERO));
    }));
  });
  it('take the larger scale of a sum, and the sum of scales of a product', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => {
      expect(addDecimal(a, b).scale).toBe(Math.max(a.scale, b.scale));
      expect(multiplyDecimal(a, b).scale).toBe(a.scale + b.scale);
    }));
  });
  it('are undone by the opposite', () => {
    fc.assert(fc.property(decimal, (d) => {
      expect(rank(addDecimal(d, negateDecimal(d)))).toBe(rank(ZERO));
      expect(negateDecimal(negateDecimal(d))).toEqual(d);
    }));
  });
});

describe('order', () => {
  it('is that of the numbers, whatever the scales', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => {
      const difference = rank(a) - rank(b);
      expect(compareDecimal(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
    }));
  });
  it('turns round when both are negated', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => { expect(compareDecimal(negateDecimal(b), negateDecimal(a))).toBe(compareDecimal(a, b)); }));
  });
  it('sees 2.50 and 2.5 as equal', () => expect(compareDecimal(parseDecimal('2.50'), parseDecimal('2.5'))).toBe(0));
  it('knows what is below zero', () => {
    expect(['-0.001', '-1', '0', '-0', '-0.00', '0.001'].map((t) => isNegative(parseDecimal(t)))).toEqual([true, true, false, false, false, false]);
  });
  it('sorts', () => {
    fc.assert(fc.property(fc.array(decimal), (list) => {
      const sorted = list.toSorted(compareDecimal);
      expect(sorted.slice(1).every((d, i) => compareDecimal(sorted[i] ?? ZERO, d) <= 0)).toBe(true);
    }));
  });
});
