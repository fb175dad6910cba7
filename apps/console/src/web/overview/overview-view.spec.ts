import { describe, expect, it } from '@jest/globals';
import { overviewOf, spanOf, usualGrain } from './overview-view.ts';

const now = new Date('2026-11-30T01:02:03.000Z');
const span = (query: string) => spanOf(overviewOf(new URLSearchParams(query)), now);

describe('what the overview shows', () => {
  it('is all of it, without a choice in the address', () => {
    expect(overviewOf(new URLSearchParams('tenant=shop'))).toMatchObject({ period: 'all', grain: undefined, currency: undefined, source: undefined });
    expect(span('')).toEqual({});
  });

  it('comes from the address', () => {
    expect(overviewOf(new URLSearchParams('grain=day&currency=GBP&source=web&period=7d'))).toMatchObject({ grain: 'day', currency: 'GBP', source: 'web', period: '7d' });
  });

  it('takes nothing from an address that makes no sense', () => {
    expect(overviewOf(new URLSearchParams('grain=week&period=century&from=2026-13-45'))).toMatchObject({ grain: undefined, period: 'all', firstDay: undefined });
  });
});

describe('a period', () => {
  it('of days includes today and begins at midnight UTC', () => {
    expect(span('period=today')).toEqual({ from: '2026-11-30T00:00:00.000Z' });
    expect(span('period=7d')).toEqual({ from: '2026-11-24T00:00:00.000Z' });
    expect(span('period=30d')).toEqual({ from: '2026-11-01T00:00:00.000Z' });
  });

  it('of one\'s own includes its last day, and may be open on either side', () => {
    expect(span('from=2026-02-01&to=2026-02-28')).toEqual({ from: '2026-02-01T00:00:00.000Z', to: '2026-03-01T00:00:00.000Z' });
    expect(span('period=custom&to=2026-12-31')).toEqual({ to: '2027-01-01T00:00:00.000Z' });
    expect(span('period=custom')).toEqual({});
  });
});

it('is drawn by hour, day or month as its length wants', () => {
  expect(['period=today', 'period=30d', 'from=2026-01-01', ''].map((query) => usualGrain(overviewOf(new URLSearchParams(query)), 'shop'))).toEqual(['hour', 'day', 'day', 'month']);
});
