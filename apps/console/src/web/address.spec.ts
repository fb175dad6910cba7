import { describe, expect, it } from '@jest/globals';
import { amended, eventAddress, metricPath, nextCursors, traceAddress, tracePath } from './address.ts';

const question = { metric: 'revenue.gross', tenant: 'shop', by: 'month', from: '2011-01-01T00:00:00.000Z', where: ['country=Côte d’Ivoire & more', 'currency=GBP'] };

describe('addresses', () => {
  it('repeat `where` and escape what stands in it', () => {
    const url = new URL(metricPath(question), 'http://c.invalid');
    expect(url.pathname).toBe('/api/metrics/revenue.gross');
    expect(url.searchParams.getAll('where')).toEqual(question.where);
    expect(url.searchParams.get('by')).toBe('month');
    expect(url.searchParams.get('to')).toBeNull();
  });

  it('of a trace ask for the same events without the breakdown', () => {
    const url = new URL(tracePath(question, [['limit', '50'], ['after', 'sales/0:12']]), 'http://c.invalid');
    expect(url.pathname).toBe('/api/metrics/revenue.gross/events');
    expect(url.searchParams.has('by')).toBe(false);
    expect(url.searchParams.get('after')).toBe('sales/0:12');
  });

  it('of a page carry the whole question, so it can be reloaded and shared', () => {
    const url = new URL(traceAddress(question), 'http://c.invalid');
    expect(url.pathname).toBe('/explorer');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ metric: 'revenue.gross', tenant: 'shop', from: question.from });
    expect(url.searchParams.getAll('where')).toHaveLength(2);
  });

  it('of an event survive any id', () => {
    const id = 'a/b?c=d&e#f%20 ü';
    expect(new URL(eventAddress('shop', id), 'http://c.invalid').searchParams.get('event')).toBe(id);
  });
});

describe('an amended address', () => {
  const route = { path: '/explorer', query: new URLSearchParams('tenant=shop&where=a%3D1&where=b%3D2&after=x') };

  it('keeps what is not named, repeated names too', () => {
    expect(amended(route, { event: 'e 1' })).toBe('/explorer?tenant=shop&where=a%3D1&where=b%3D2&after=x&event=e+1');
  });

  it('replaces what is named, and leaves out what is undefined', () => {
    expect(amended(route, { after: ['y', 'z'], where: undefined })).toBe('/explorer?tenant=shop&after=y&after=z');
  });
});

it('keeps the way back through the last pages, and no more than an address bears', () => {
  expect(nextCursors(['a'], 'b')).toEqual(['a', 'b']);
  const many = Array.from({ length: 20 }, (_, n) => String(n));
  expect(nextCursors(many, 'last')).toEqual([...many.slice(1), 'last']);
});
