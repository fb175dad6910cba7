import { describe, expect, it } from '@jest/globals';
import { knownTypes } from '@millrace/contracts';
import { CONTEXTS } from '@millrace/kernel';
import { DEFAULT_EARLIEST_MS_BACK } from './event-time.rule.ts';
import { refuseUngranted, timeLimitsOf, type SourceGrant } from './source-grant.rule.ts';

const grant = (more: Partial<SourceGrant> = {}): SourceGrant => ({ tenant: 'shop', name: 'web', recordOf: [], ...more });
const code = (of: SourceGrant, type: string): string | undefined => refuseUngranted(of, type)?.rejection.code;
const RECORDS = ['sales', 'customer', 'inventory', 'merchandise'] as const;

describe('a grant', () => {
  it('without contexts brings clickstream, marketing and social, and nothing else', () => {
    const granted = CONTEXTS.filter((context) => code(grant(), `${context}.thing.done`) === undefined);
    expect(granted).toEqual(['clickstream', 'marketing', 'social']);
  });

  it.each(RECORDS)('of record for %s brings its facts and no other record\'s', (context) => {
    const granted = RECORDS.filter((other) => code(grant({ recordOf: [context] }), `${other}.thing.done`) === undefined);
    expect(granted).toEqual([context]);
  });

  it('never covers what the platform itself states, whoever has it', () => {
    const all = grant({ recordOf: CONTEXTS });
    for (const context of ['catalog', 'security', 'warehouse', 'analytics', 'alerting', 'backbone']) expect(code(all, `${context}.thing.done`)).toBe('context-not-granted');
    expect(code(all, 'nonsense')).toBe('context-not-granted');
  });

  it('with types covers those alone; a star stands at the end for any rest', () => {
    const of = grant({ recordOf: RECORDS, types: ['sales.order.placed', 'clickstream.cart.*'] });
    expect(knownTypes().filter((type) => code(of, type) === undefined)).toEqual(['clickstream.cart.item-added', 'clickstream.cart.item-removed', 'sales.order.placed']);
    expect(code(grant({ types: ['*'] }), 'clickstream.page.viewed')).toBeUndefined();
    expect(code(grant({ types: ['clickstream'] }), 'clickstream.page.viewed')).toBe('type-not-granted');
  });

  it('tells the type before the context: a wider key must still be of record', () => {
    expect(code(grant({ types: ['clickstream.*'] }), 'sales.order.placed')).toBe('type-not-granted');
    expect(code(grant({ types: ['sales.*'] }), 'sales.order.placed')).toBe('context-not-granted');
  });
});

describe('its limits on time', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');

  it('are 400 days back and five minutes ahead unless it says otherwise', () => {
    expect(timeLimitsOf(grant(), now)).toEqual({ earliestMs: now - DEFAULT_EARLIEST_MS_BACK, latestAheadMs: 300_000 });
  });

  it('are what it says', () => {
    expect(timeLimitsOf(grant({ earliest: '1990-01-01T00:00:00Z', latestAheadMs: 0 }), now)).toEqual({ earliestMs: Date.parse('1990-01-01'), latestAheadMs: 0 });
  });

  it('fall back when its own can\'t be read, rather than taking every time', () => {
    expect(timeLimitsOf(grant({ earliest: 'the beginning' }), now).earliestMs).toBe(now - DEFAULT_EARLIEST_MS_BACK);
  });
});
