import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { BoundedCache } from './bounded-cache.ts';

const standing = (): { now: () => number; pass: (ms: number) => void } => {
  let at = 0;
  return { now: () => at, pass: (ms) => { at += ms; } };
};

describe('a bounded cache', () => {
  it('drops the entry unused for longest when full', () => {
    const cache = new BoundedCache<number>({ maxEntries: 2, ttlMs: 1000, now: standing().now });
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
    cache.clear();
  });

  it('keeps what was used, and always what was set last', () => {
    const use = fc.record({ set: fc.boolean(), key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f') });
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.array(use, { maxLength: 60 }), (maxEntries, uses) => {
      const cache = new BoundedCache<string>({ maxEntries, ttlMs: 1000, now: standing().now });
      for (const { set, key } of uses) {
        if (set) cache.set(key, key);
        const found: string | undefined = cache.get(key);
        expect(found === key || (!set && found === undefined)).toBe(true);
        expect(cache.size).toBeLessThanOrEqual(maxEntries);
      }
      cache.clear();
    }));
  });

  it('drops something even where everything is in use', () => {
    const cache = new BoundedCache<number>({ maxEntries: 100, ttlMs: 1000, now: standing().now });
    const names = Array.from({ length: 100 }, (_, n) => `k${n}`);
    for (const [n, name] of names.entries()) cache.set(name, n);
    for (const name of names) cache.get(name);
    cache.set('new', 0);
    expect([cache.size, cache.get('new')]).toEqual([100, 0]);
    expect(names.filter((name) => cache.get(name) === undefined)).toHaveLength(1);
    cache.clear();
  });

  it('forgets an entry ttlMs after it was set, however often it is used', () => {
    const clock = standing();
    const cache = new BoundedCache<number>({ maxEntries: 9, ttlMs: 1000, now: clock.now });
    cache.set('a', 1);
    for (const [ms, found] of [[600, 1], [399, 1], [1, undefined]] as const) {
      clock.pass(ms);
      expect(cache.get('a')).toBe(found);
    }
    expect(cache.size).toBe(0);
    cache.clear();
  });

  it('gives a set entry its whole time again', () => {
    const clock = standing();
    const cache = new BoundedCache<number>({ maxEntries: 9, ttlMs: 1000, now: clock.now });
    cache.set('a', 1);
    clock.pass(900);
    cache.set('a', 2);
    clock.pass(900);
    expect(cache.get('a')).toBe(2);
    cache.clear();
  });

  it('lets old entries leave memory by itself, unused, and then stops its timer', () => {
    jest.useFakeTimers();
    const cache = new BoundedCache<number>({ maxEntries: 9, ttlMs: 1000 });
    cache.set('a', 1);
    jest.advanceTimersByTime(999);
    expect(cache.size).toBe(1);
    jest.advanceTimersByTime(251);
    expect([cache.size, jest.getTimerCount()]).toEqual([0, 0]);
    cache.set('b', 2);
    expect(jest.getTimerCount()).toBe(1);
    cache.clear();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('never holds more than its bound nor returns another value than was last set', () => {
    const step = fc.oneof(
      fc.record({ set: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.nat() }), fc.record({ get: fc.constantFrom('a', 'b', 'c', 'd') }), fc.record({ pass: fc.nat(400) }));
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = standing();
      const cache = new BoundedCache<number>({ maxEntries: 3, ttlMs: 1000, now: clock.now });
      const wrong: unknown[] = [];
      const last = new Map<string, { value: number; at: number }>();
      for (const each of steps) {
        if ('pass' in each) clock.pass(each.pass);
        else if ('set' in each) {
          cache.set(each.set, each.value);
          last.set(each.set, { value: each.value, at: clock.now() });
        } else {
          const found = cache.get(each.get);
          const { value, at } = last.get(each.get) ?? { value: undefined, at: -1000 };
          if (found !== undefined && (found !== value || clock.now() - at >= 1000)) wrong.push({ found, value, at });
        }
        expect(cache.size).toBeLessThanOrEqual(3);
      }
      expect(wrong).toEqual([]);
      cache.clear();
    }));
  });
});
