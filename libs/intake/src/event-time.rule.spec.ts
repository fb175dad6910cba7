import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deriveEventTime, parseTime, SKEW_BOUND_MS } from './event-time.rule.ts';
import { timeLimitsOf } from './source-grant.rule.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const limits = timeLimitsOf({ tenant: 't', name: 's', recordOf: [] }, now);
const at = (offsetMs: number): string => new Date(now + offsetMs).toISOString();
const outcome = (time?: string, sentTime?: string, bounds = limits) => {
  const derived = deriveEventTime({ time, sentTime }, now, bounds);
  return derived.ok ? derived.value.derivedMs - now : derived.rejection.code;
};

describe('the time an event is kept under', () => {
  it('is the producer\'s when its clock is right or unknown', () => {
    expect(outcome(at(-3_600_000))).toBe(-3_600_000);
    expect(outcome(at(-3_600_000), at(-2_000))).toBe(-3_600_000);
  });

  it('is shifted by the difference of sent and received when that is beyond the bound', () => {
    expect(outcome(at(86_400_000 - 5_000), at(86_400_000))).toBe(-5_000);
    expect(outcome(at(-86_400_000 - 5_000), at(-86_400_000))).toBe(-5_000);
  });

  it('is the receipt when the producer gave none', () => {
    expect(outcome()).toBe(0);
  });

  it('takes five minutes ahead and 400 days back by default, and not a millisecond more', () => {
    expect(outcome(at(300_000))).toBe(300_000);
    expect(outcome(at(300_001))).toBe('time-in-future');
    expect(outcome(at(-400 * 86_400_000))).toBe(-400 * 86_400_000);
    expect(outcome(at(-400 * 86_400_000 - 1))).toBe('time-too-early');
  });

  it('takes what a source says it brings', () => {
    const history = timeLimitsOf({ tenant: 't', name: 's', recordOf: [], earliest: '1990-01-01T00:00:00Z', latestAheadMs: 0 }, now);
    expect(outcome('2010-12-01T08:26:00Z', undefined, history)).toBeLessThan(0);
    expect(outcome('1989-12-31T23:59:59.999Z', undefined, history)).toBe('time-too-early');
    expect(outcome(at(1), undefined, history)).toBe('time-in-future');
  });

  it.each(['yesterday', '2026-11-23', '2026-11-23T12:00:00', '2026-13-01T00:00:00Z', '1700000000', ''])('refuses %j as a time', (text) => {
    expect(outcome(text)).toBe('time-malformed');
    expect(outcome(undefined, text)).toBe('time-malformed');
  });

  it('reads any instant with any offset and finer digits', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1990-01-01'), max: new Date('2099-01-01'), noInvalidDate: true }), fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
      const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
      const sign = offset < 0 ? '-' : '+';
      const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((n) => String(n).padStart(2, '0'));
      expect(parseTime(`${local}999${sign}${hours}:${minutes}`)).toBe(date.getTime());
    }));
  });

  it('never moves an event further from the receipt than its clock was off', () => {
    fc.assert(fc.property(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 1e8 }), (clockOff, age) => {
      const wide = { earliestMs: -Infinity, latestAheadMs: Infinity };
      const derived = deriveEventTime({ time: at(clockOff - age), sentTime: at(clockOff) }, now, wide);
      expect(derived).toMatchObject({ ok: true, value: { derivedMs: Math.abs(clockOff) > SKEW_BOUND_MS ? now - age : now + clockOff - age } });
    }));
  });
});
