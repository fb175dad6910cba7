import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DomainError } from '@millrace/kernel';
import { collectCondition, parseCount, parseDuration, parseInstant, parseList } from './option-value.ts';

describe('a duration', () => {
  const parse = parseDuration('--for');
  it.each([['250ms', 250], ['60s', 60_000], ['5m', 300_000], ['2h', 7_200_000], ['1d', 86_400_000]])('reads %s', (text, ms) => {
    expect(parse(text)).toBe(ms);
  });
  it.each(['', '60', 's', '-5s', '1.5h', '5 m', '9999999999s'])('refuses "%s" and names the option', (text) => {
    expect(() => parse(text)).toThrow(/--for wants a duration/);
  });
});

describe('a count', () => {
  it('takes the bounds and what is between', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), (count) => {
      expect(parseCount('--limit', 1, 1000)(String(count))).toBe(count);
    }));
  });
  it.each(['0', '1001', '-1', '1e2', '', 'ten', '1.0'])('refuses "%s"', (text) => {
    expect(() => parseCount('--limit', 1, 1000)(text)).toThrow(DomainError);
  });
});

describe('conditions', () => {
  it('are collected in order, and may hold a second =', () => {
    expect(collectCondition('product=a=b', collectCondition('country=France'))).toEqual(['country=France', 'product=a=b']);
  });
  it.each(['country', '=France', 'country=', 'Country=France'])('refuse "%s"', (text) => {
    expect(() => collectCondition(text)).toThrow(/key=value/);
  });
});

it('splits lists and leaves out empty parts', () => {
  expect(parseList(' sales, customer,,')).toEqual(['sales', 'customer']);
});

it.each(['2011-01-31', '2011-01-31T08:26:00Z', '2011-01-31T08:26:00.123+02:00'])('takes %s as a time as it stands', (text) => {
  expect(parseInstant('--from')(text)).toBe(text);
});
it.each(['yesterday', '2011-13-45', '2011-01-31T08:26:00', '31.1.2011'])('refuses %s as a time', (text) => {
  expect(() => parseInstant('--from')(text)).toThrow(/--from wants a date/);
});
