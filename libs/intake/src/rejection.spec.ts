import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keepablePointer, pointerTo } from './rejection.ts';

/** RFC 6901 section 4, by the book. */
const segmentsOf = (pointer: string): string[] => pointer.split('/').slice(1).map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

describe('a pointer', () => {
  it('gives back the names it was built from, whatever they hold', () => {
    fc.assert(fc.property(fc.array(fc.string(), { maxLength: 6 }), (names) => {
      expect(segmentsOf(names.reduce((pointer, name) => pointerTo(pointer, name), ''))).toEqual(names);
    }));
  });

  it('takes indices', () => {
    expect(pointerTo('/data/lines', 3)).toBe('/data/lines/3');
  });
});

describe('a pointer that may be kept', () => {
  it.each([
    ['', ''],
    ['/data/lines/17/quantity', '/data/lines/17/quantity'],
    ['/data/utm_source/first-touch', '/data/utm_source/first-touch'],
    ['/data/ann@shop.example', '/data/?'],
    ['/data/+49 30 1234567/x', '/data/?/x'],
    ['/data/a~1b', '/data/?'],
    [`/data/${'x'.repeat(41)}`, '/data/?'],
    ['/data/1234567890', '/data/?'],
    ['/data/\u0000', '/data/?'],
  ])('%j becomes %j', (pointer, kept) => {
    expect(keepablePointer(pointer)).toBe(kept);
  });

  it('holds plain names alone, and is bounded', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 80 }), (names) => {
      const kept = keepablePointer(names.reduce((pointer, name) => pointerTo(pointer, name), ''));
      expect(kept).toMatch(/^[A-Za-z0-9_?/-]{0,400}$/);
      expect(keepablePointer(kept)).toBe(kept);
    }));
  });
});
