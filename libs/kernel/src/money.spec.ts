import fc from 'fast-check';
import { DomainError } from './domain-error.ts';
import { addMoney, money, multiplyMoney } from './money.ts';

const amount = fc.tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.constantFrom('', '.5', '.25', '.001')).map(([whole, fraction]) => `${whole}${fraction}`);

describe('money', () => {
  it('is an exact amount and a currency', () => expect(money('12.50', 'EUR')).toEqual({ amount: '12.50', currency: 'EUR' }));
  it.each(['eur', 'EURO', 'E', '', '€', 'EU1', 'EUR '])('has no currency %j', (currency) => expect(() => money('1', currency)).toThrow('three capital letters'));
  it.each(['1e2', '', '1,00', 'free'])('has no amount %j', (text) => expect(() => money(text, 'EUR')).toThrow(DomainError));

  it('adds up exactly', () => expect(addMoney(money('0.1', 'GBP'), money('0.20', 'GBP'))).toEqual(money('0.30', 'GBP')));
  it('of two currencies is never added up', () => {
    expect(() => addMoney(money('1', 'EUR'), money('1', 'GBP'))).toThrow('keep a sum per currency');
    fc.assert(fc.property(amount, amount, fc.constantFrom('EUR', 'USD', 'JPY'), (a, b, currency) => {
      expect(() => addMoney(money(a, currency), money(b, 'GBP'))).toThrow(expect.objectContaining({ code: 'currency-mixed' }));
    }));
  });
  it('adds up to the same in any order', () => {
    fc.assert(fc.property(fc.array(amount, { minLength: 1 }), (amounts) => {
      const total = (list: readonly string[]): string => list.map((a) => money(a, 'EUR')).reduce(addMoney).amount;
      expect(total(amounts)).toBe(total(amounts.toReversed()));
    }));
  });

  it('times a quantity is exact, by weight too, and negative on returns', () => {
    expect(multiplyMoney(money('2.55', 'GBP'), '6')).toEqual(money('15.30', 'GBP'));
    expect(multiplyMoney(money('12.990', 'EUR'), '0.250')).toEqual(money('3.247500', 'EUR'));
    expect(multiplyMoney(money('27.50', 'GBP'), '-1')).toEqual(money('-27.50', 'GBP'));
    expect(() => multiplyMoney(money('1', 'EUR'), 'six')).toThrow(DomainError);
  });
  it('times a whole quantity is repeated addition', () => {
    fc.assert(fc.property(amount, fc.integer({ min: 1, max: 30 }), (a, n) => {
      const added = Array.from({ length: n }, () => money(a, 'EUR')).reduce(addMoney);
      expect(multiplyMoney(money(a, 'EUR'), String(n))).toEqual(added);
    }));
  });
});
