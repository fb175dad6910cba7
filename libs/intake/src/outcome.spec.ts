import { expect, it } from '@jest/globals';
import { rejected } from './outcome.ts';

const idOf = (id: unknown): string | undefined => rejected(0, id, { pointer: '', code: 'x', reason: 'r' }).id;

it.each(['e-1', 'Zoë/7', '😀', 'x'.repeat(256)])('repeats the id %j of a refused event', (id) => {
  expect(idOf(id)).toBe(id);
});

it.each(['', 'a\u0000b', 'a\nb', '\u001b[31m', 'a\u202eb', 'a\ud800', '\udc00', 'x'.repeat(257), 7, null, {}])('repeats no %j', (id) => {
  expect(idOf(id)).toBeUndefined();
});
