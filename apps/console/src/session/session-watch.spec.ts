import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { HttpProblem } from '@millrace/service-kit';
import { watchSession } from './session-watch.ts';

beforeEach(() => { jest.useFakeTimers(); });
afterEach(() => { jest.useRealTimers(); });

it('ends a long answer soon after its session has ended, and not while security is away', async () => {
  const gone = new AbortController();
  const problems: (Error | undefined)[] = [undefined, new Error('security is away'), new HttpProblem(503, 'security-unavailable', 'x'), new HttpProblem(401, 'session-unknown', 'x')];
  let asked = 0;
  watchSession(async () => { asked += 1; const problem = problems.shift(); if (problem) throw problem; }, gone.signal, () => gone.abort());
  await jest.advanceTimersByTimeAsync(45_000);
  expect([asked, gone.signal.aborted]).toEqual([3, false]);
  await jest.advanceTimersByTimeAsync(15_000);
  expect(gone.signal.aborted).toBe(true);
  await jest.advanceTimersByTimeAsync(120_000);
  expect(asked).toBe(4);
});
