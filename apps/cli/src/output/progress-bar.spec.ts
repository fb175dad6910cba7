import { expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { progressBar, timeLeft } from './progress-bar.ts';

it('tells the time left, and that it is not known yet', () => {
  const padding = { autopaddingChar: ' ' };
  expect([timeLeft(90, padding, 5), timeLeft(Number.NaN, padding, 5), timeLeft(Number.POSITIVE_INFINITY, padding, 5)]).toEqual([' 1m30s', '?', '?']);
});

it('shows a bar that is full at once without a time that is no number', async () => {
  const stream = new PassThrough();
  const bar = progressBar(stream, '{value}/{total} | {eta_formatted} left');
  bar.start(1, 1);
  bar.stop();
  expect(String(stream.read())).toMatch(/1\/1 \| (\?|0s) left/);
});
