import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bigints, integers, texts } from './binary-array.ts';

/** Reads array_send's form: dimensions, null flag, element type, length, lower bound, then each element with its length. */
const elements = (array: Buffer): { type: number; values: Buffer[] } => {
  expect([array.readInt32BE(0), array.readInt32BE(4), array.readInt32BE(16)]).toEqual([1, 0, 1]);
  const values: Buffer[] = [];
  let at = 20;
  for (let n = 0; n < array.readInt32BE(12); n += 1) {
    const length = array.readInt32BE(at);
    values.push(array.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  expect(at).toBe(array.length);
  return { type: array.readInt32BE(8), values };
};

const itself = <T>(value: T): T => value;

describe('a binary array', () => {
  it('holds integers', () => fc.assert(fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), (values) => {
    const read = elements(integers(values, itself));
    expect(read.type).toBe(23);
    expect(read.values.map((value) => value.readInt32BE())).toEqual(values);
  })));

  it('holds whole numbers up to the largest safe one', () => fc.assert(fc.property(fc.array(fc.maxSafeInteger()), (values) => {
    const read = elements(bigints(values, itself));
    expect(read.type).toBe(20);
    expect(read.values.map((value) => Number(value.readBigInt64BE()))).toEqual(values);
  })));

  it('holds text of any script, quotes and braces as they are', () => fc.assert(fc.property(fc.array(fc.string({ unit: 'grapheme' })), (values) => {
    const read = elements(texts(values, itself));
    expect(read.type).toBe(25);
    expect(read.values.map((value) => value.toString())).toEqual(values);
  })));

  it('takes from each item what it is told to', () => {
    expect(elements(texts([{ name: '{"a","b"}' }, { name: '' }], (item) => item.name)).values.map(String)).toEqual(['{"a","b"}', '']);
  });
});
