import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { iso } from './iso-time.ts';

it('writes every time as Date does, in whatever order times come and come again', () => {
  const times = fc.array(fc.constantFrom(0, 1, 1_772_366_400_123, -1, 253_402_300_799_999), { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(times, (list) => { expect(list.map(iso)).toEqual(list.map((ms) => new Date(ms).toISOString())); }));
});

it('refuses what is no time, however often', () => {
  for (let turn = 0; turn < 2; turn += 1) expect(() => iso(Number.NaN)).toThrow(RangeError);
  expect(iso(0)).toBe('1970-01-01T00:00:00.000Z');
});
