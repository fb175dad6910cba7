import { describe, expect, it } from '@jest/globals';
import { SupervisedPart, type Running } from './part.ts';
import { deathsAfter, restartDelayMs, RESTART_POLICY, type RestartPolicy } from './restart-policy.ts';

describe('the pause before a restart', () => {
  it('doubles from a fifth of a second up to its limit', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map((deaths) => restartDelayMs(RESTART_POLICY, deaths))).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  });
  it('begins anew after a minute of running', () => {
    expect(deathsAfter(RESTART_POLICY, 6, 59_999)).toBe(7);
    expect(deathsAfter(RESTART_POLICY, 6, 60_000)).toBe(1);
  });
});

/** A process that a test ends when it likes. */
const fakeProcess = (pid: number): Running & { end(how: number | string): void } => {
  const { promise: exited, resolve: end } = Promise.withResolvers<number | string>();
  return { pid, exited, end, stop: async () => { end('SIGTERM'); await exited; } };
};

const AT_ONCE: RestartPolicy = { firstMs: 0, longestMs: 0, steadyMs: 60_000 };

const supervised = (launches: (() => Promise<Running>)[], policy = AT_ONCE) => {
  const said: string[] = [];
  const heard = new Map<number, () => void>();
  const part = new SupervisedPart({ name: 'x', url: null, launch: () => (launches.shift() ?? (() => Promise.reject(new Error('none left'))))(), healthy: async () => true }, policy, (_, message) => {
    said.push(message);
    heard.get(said.length)?.();
  });
  const reports = (count: number): Promise<void> => new Promise((resolve) => { if (said.length >= count) resolve(); else heard.set(count, resolve); });
  return { part, said, reports };
};

describe('a supervised part', () => {
  it('is started again when it ends, and says how it ended', async () => {
    const [first, second] = [fakeProcess(1), fakeProcess(2)];
    const { part, said, reports } = supervised([async () => first, async () => second]);
    await part.start();
    expect(part.pid).toBe(1);
    first.end('SIGKILL');
    await reports(2);
    expect(said).toEqual(['ended (SIGKILL); starting it again in 0 s', 'started again (process 2)']);
    expect([part.pid, part.restarts, part.deaths]).toEqual([2, 1, 1]);
    await part.stop();
  });

  it('is tried again when the restart itself fails', async () => {
    const [first, third] = [fakeProcess(1), fakeProcess(3)];
    const { part, said, reports } = supervised([async () => first, async () => { throw new Error('port taken\nstack'); }, async () => third]);
    await part.start();
    first.end(1);
    await reports(3);
    expect(said).toEqual(['ended (exit code 1); starting it again in 0 s', 'ended (port taken); starting it again in 0 s', 'started again (process 3)']);
    expect(part.deaths).toBe(2);
    await part.stop();
  });

  it('stays down once it was stopped', async () => {
    const { part, said } = supervised([async () => fakeProcess(1)]);
    await part.start();
    await part.stop();
    expect(said).toEqual([]);
    expect(part.pid).toBeUndefined();
  });

  it('stops at once while it waits to start again', async () => {
    const first = fakeProcess(1);
    const { part, said, reports } = supervised([async () => first], { firstMs: 3_600_000, longestMs: 3_600_000, steadyMs: 60_000 });
    await part.start();
    first.end(1);
    await reports(1);
    await part.stop();
    expect(said).toHaveLength(1);
  });

  it('rejects when its first launch fails', async () => {
    const { part } = supervised([async () => { throw new Error('no such file'); }]);
    await expect(part.start()).rejects.toThrow('no such file');
  });

  it('only watches a server that others run', async () => {
    const part = new SupervisedPart({ name: 'theirs', url: 'postgres://db', healthy: async () => true }, AT_ONCE, () => undefined);
    await part.start();
    await part.stop();
    expect(part.pid).toBeUndefined();
  });
});
