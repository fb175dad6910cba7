import { fixedClock, systemClock } from './clock.ts';

describe('clocks', () => {
  it('the system clock goes forward with the machine', () => {
    const before = Date.now();
    const now = systemClock.now().getTime();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });
  it('a fixed clock stands until it is moved, also backwards', () => {
    const clock = fixedClock('2011-01-01T00:00:00Z');
    expect([clock.now(), clock.now()].map((d) => d.toISOString())).toEqual(['2011-01-01T00:00:00.000Z', '2011-01-01T00:00:00.000Z']);
    clock.set('2010-12-31T00:00:00Z');
    expect(clock.now().toISOString()).toBe('2010-12-31T00:00:00.000Z');
  });
});
