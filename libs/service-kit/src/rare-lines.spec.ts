import { RareLines } from './rare-lines.ts';

it('tells a code once a second, and how many were left out', () => {
  let now = 5_000;
  const lines = new RareLines(() => now);
  expect([lines.leftOutBefore('a'), lines.leftOutBefore('a'), lines.leftOutBefore('a'), lines.leftOutBefore('b')]).toEqual([0, undefined, undefined, 0]);
  now += 999;
  expect(lines.leftOutBefore('a')).toBeUndefined();
  now += 1;
  expect([lines.leftOutBefore('a'), lines.leftOutBefore('a')]).toEqual([3, undefined]);
  now += 60_000;
  expect([lines.leftOutBefore('a'), lines.leftOutBefore('b')]).toEqual([1, 0]);
});
