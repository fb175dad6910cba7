import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTarget, reaches } from './manifest.ts';
import { archiveCommand } from './wal-archive.ts';

describe('the target of a restore', () => {
  it.each([
    ['latest', { kind: 'latest' }], ['0/1a2b3c4', { kind: 'lsn', lsn: '0/1A2B3C4' }],
    ['2026-11-24T10:00:00Z', { kind: 'time', time: '2026-11-24T10:00:00Z' }], ['2026-11-24T10:00:00.123+02:00', { kind: 'time', time: '2026-11-24T10:00:00.123+02:00' }],
  ])('%s is understood', (text, target) => { expect(parseTarget(text)).toEqual(target); });

  // A time without its zone would be taken for another one on another machine.
  it.each(['2026-11-24T10:00:00', '2026-11-24', 'yesterday', '0/', '0/123456789', `'; drop`, ''])('%j is not', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'option-malformed' }));
  });

  it('is reached from a base that was finished before it, however the place is written', () => {
    const base = { stoppedAt: '2026-11-24T10:00:00.000Z', stopLsn: '1/00000010' };
    expect(['latest', '2026-11-24T10:00:00Z', '2026-11-24T12:00:00+02:00', '1/10', '2/0'].map((text) => reaches(base, parseTarget(text)))).toEqual([true, true, true, true, true]);
    expect(['2026-11-24T09:59:59Z', '2026-11-24T11:59:59+02:00', '0/FFFFFFFF', '1/F'].map((text) => reaches(base, parseTarget(text)))).toEqual([false, false, false, false]);
  });

  it('orders places in the log as numbers', () => {
    const part = fc.integer({ min: 0, max: 0xFFFFFFFF });
    fc.assert(fc.property(part, part, part, part, (a, b, c, d) => {
      const text = (high: number, low: number): string => `${high.toString(16)}/${low.toString(16)}`.toUpperCase();
      expect(reaches({ stoppedAt: '2026-11-24T10:00:00.000Z', stopLsn: text(a, b) }, { kind: 'lsn', lsn: text(c, d) })).toBe(a < c || (a === c && b <= d));
    }));
  });
});

it('quotes the archive\'s folder for the shell and for Postgres', () => {
  expect(archiveCommand(`/it's 100%`)).toContain(`'/it'\\''s 100%%'/%f`);
});
