import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { startPoll, type Poll } from './poll.ts';

beforeEach(() => { jest.useFakeTimers(); });
afterEach(() => { jest.useRealTimers(); });

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

interface Watched { readonly poll: Poll; readonly asked: boolean[]; readonly answered: () => number; readonly signal: () => AbortSignal | undefined }

const watched = ({ answerMs = 10, fails = () => false, ...plan }: { answerMs?: number; fails?: () => boolean; everyMs?: number; onlyChanges?: boolean }): Watched => {
  const asked: boolean[] = [];
  let answered = 0;
  let seen: AbortSignal | undefined;
  const poll = startPoll({
    ...plan,
    ask: async (signal, background) => {
      asked.push(background);
      seen = signal;
      await new Promise((resolve) => setTimeout(resolve, answerMs));
      if (fails()) throw new Error('no answer');
      if (!signal.aborted) answered += 1;
    },
  });
  return { poll, asked, answered: () => answered, signal: () => seen };
};

describe('a poll', () => {
  it('lets an answer slower than its interval arrive, and rests after it', async () => {
    const { asked, answered } = watched({ everyMs: 2000, answerMs: 5000 });
    await pass(4999);
    expect([asked.length, answered()]).toEqual([1, 0]);
    await pass(1);
    expect([asked.length, answered()]).toEqual([1, 1]);
    await pass(2000);
    expect([asked.length, answered()]).toEqual([2, 1]);
  });

  it('asks in the foreground at first and when told to, in the background otherwise', async () => {
    const { poll, asked } = watched({ everyMs: 1000 });
    await pass(1500);
    poll.now();
    poll.now();
    await pass(20);
    expect(asked).toEqual([false, true, false]);
  });

  it('asks once without an interval', async () => {
    const { asked } = watched({});
    await pass(60_000);
    expect(asked).toEqual([false]);
  });

  it('ends its question and asks no more once it is stopped', async () => {
    const { poll, asked, signal } = watched({ everyMs: 1000 });
    poll.stop();
    poll.changed();
    poll.now();
    await pass(10_000);
    expect([asked.length, signal()?.aborted]).toEqual([1, true]);
  });
});

describe('a poll of changes', () => {
  it('asks nothing while nothing changes', async () => {
    const { asked } = watched({ everyMs: 5000, onlyChanges: true });
    await pass(60_000);
    expect(asked).toHaveLength(1);
  });

  it('gathers changes into one question per interval', async () => {
    const { poll, asked } = watched({ everyMs: 5000, onlyChanges: true });
    for (let n = 0; n < 50; n += 1) {
      poll.changed();
      await pass(200);
    }
    expect(asked).toHaveLength(2);
  });

  it('asks at once for a change after a quiet time, and once more for one that came while it asked', async () => {
    const { poll, asked } = watched({ everyMs: 5000, onlyChanges: true, answerMs: 100 });
    await pass(20_000);
    poll.changed();
    expect(asked).toHaveLength(2);
    poll.changed();
    await pass(5200);
    expect(asked).toHaveLength(3);
    await pass(60_000);
    expect(asked).toHaveLength(3);
  });

  it('asks again after a failure until there is an answer', async () => {
    let failing = true;
    const { asked, answered } = watched({ everyMs: 5000, onlyChanges: true, fails: () => failing });
    await pass(6000);
    failing = false;
    await pass(60_000);
    expect([asked.length, answered()]).toEqual([3, 1]);
  });
});
