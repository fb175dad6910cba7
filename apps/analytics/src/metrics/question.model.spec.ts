import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { METRICS } from './metric.model.ts';
import { parseInstant, parseLimit, parseQuestion, type QuestionParameters } from './question.model.ts';

const ask = (parameters: QuestionParameters, metric = 'revenue.gross'): ReturnType<typeof parseQuestion> => parseQuestion(metric, { tenant: 'shop', ...parameters });

describe('parseQuestion', () => {
  it('reads dimension, range and filters', () => {
    expect(ask({ by: ['country', 'month'], from: '2011-01', to: '2011-02-01T00:00:00+01:00', where: ['source=till', 'month=2011-03', 'source=a=b'], limit: '5' })).toMatchObject({
      tenant: 'shop', by: ['month', 'country'], from: '2011-01-01T00:00:00.000Z', to: '2011-01-31T23:00:00.000Z', limit: 5,
      where: { source: ['till', 'a=b'], month: ['2011-03-01T00:00:00.000Z'] },
    });
  });

  it.each<[string, QuestionParameters, string, RegExp]>([
    ['an unknown metric', {}, 'revenue.grosss', /no metric "revenue.grosss"; there are revenue.gross, revenue.net/],
    ['an unknown dimension', { by: 'colour' }, 'units', /can't be given by "colour"; it can by hour, day, month, country/],
    ['a dimension of another metric', { by: 'cohort' }, 'units', /can't be given by "cohort"/],
    ['four dimensions', { by: ['hour', 'country', 'product', 'customer'] }, 'units', /At most 3/],
    ['an unknown filter', { where: 'colour=red' }, 'units', /one of source, currency, country, product/],
    ['a filter of lines for a metric of orders', { where: 'kind=postage' }, 'orders', /one of source, currency, country, product, customer, hour, day, month for orders/],
    ['a filter without a value', { where: 'source=' }, 'units', /key=value/],
    ['a filter with NUL', { where: 'source=\0' }, 'units', /key=value/],
    ['a malformed month', { where: 'month=2011-1' }, 'units', /A month is written 2011-01/],
    ['a month that does not exist', { where: 'month=2011-13' }, 'units', /ISO 8601/],
    ['a malformed time', { from: 'last week' }, 'units', /"from" is an ISO 8601 time/],
    ['a range that ends before it begins', { from: '2011-02', to: '2011-01' }, 'units', /"from" is not after "to"; got from 2011-02-01T00:00:00.000Z to 2011-01-01T00:00:00.000Z/],
    ['an unknown parameter', { colour: 'red' }, 'units', /no parameter "colour"/],
    ['a repeated parameter', { from: ['2011', '2012'] }, 'units', /"from" may be given once/],
    ['a tenant that is none', { tenant: 'Shop!' }, 'units', /A tenant is/],
    ['no tenant', { tenant: undefined }, 'units', /\?tenant=/],
    ['a limit out of bounds', { limit: '0' }, 'units', /"limit" is a whole number from 1 to/],
    ['too many filters', { where: Array.from({ length: 101 }, () => 'source=a') }, 'units', /At most 100/],
  ])('refuses %s and names what exists', (_, parameters, metric, message) => {
    expect(() => ask(parameters, metric)).toThrow(expect.objectContaining({ name: 'DomainError', kind: 'invalid', message: expect.stringMatching(message) }));
  });

  it('gives a cohort table by cohort without being told', () => {
    expect(ask({}, 'cohort.retention').by).toEqual(['cohort']);
  });

  it('never throws anything but a refusal, whatever comes', () => {
    const refusalOf = (metric: string, parameters: QuestionParameters): unknown => {
      try {
        return void parseQuestion(metric, parameters);
      } catch (error) {
        return error;
      }
    };
    fc.assert(fc.property(fc.oneof(fc.string(), fc.constant('revenue.net')), fc.dictionary(fc.constantFrom('by', 'from', 'to', 'where', 'limit', 'tenant', 'x'), fc.oneof(fc.string(), fc.array(fc.string()))), (metric, parameters) => {
      expect(refusalOf(metric, parameters) ?? { name: 'DomainError', kind: 'invalid' }).toMatchObject({ name: 'DomainError', kind: 'invalid' });
    }));
  });
});

describe('parseInstant', () => {
  it.each([
    ['2011', '2011-01-01T00:00:00.000Z'], ['2011-02', '2011-02-01T00:00:00.000Z'], ['2011-02-03', '2011-02-03T00:00:00.000Z'],
    ['2011-02-03T04', '2011-02-03T04:00:00.000Z'], ['2011-02-03T04:05Z', '2011-02-03T04:05:00.000Z'], ['2011-02-03T04:05:06.7-01:00', '2011-02-03T05:05:06.700Z'],
  ])('%s begins at %s', (text, instant) => {
    expect(parseInstant('from', text)).toBe(instant);
  });

  it.each(['2011-02-30', '2011-13', '2011-01-01T25', '11-01-01', '2011-01-01T00:00:00+99:00', ''])('refuses %p', (text) => {
    expect(() => parseInstant('from', text)).toThrow(/ISO 8601/);
  });

  it('reads back every instant that Date prints', () => {
    fc.assert(fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      expect(parseInstant('to', date.toISOString())).toBe(date.toISOString());
    }));
  });
});

it('takes a limit within bounds', () => {
  expect([parseLimit(undefined, 10, 3), parseLimit('10', 10, 3)]).toEqual([3, 10]);
});

it('gives every metric an id, a version and a sentence of its own', () => {
  expect(new Set(METRICS.map((metric) => metric.id)).size).toBe(METRICS.length);
  for (const metric of METRICS) expect([metric.version >= 1, metric.description.endsWith('.')]).toEqual([true, true]);
});
