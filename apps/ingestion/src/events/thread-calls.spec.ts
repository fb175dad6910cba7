import { afterEach, describe, expect, it } from '@jest/globals';
import { MessageChannel } from 'node:worker_threads';
import { DomainError } from '@millrace/kernel';
import { answerCalls, Caller, settle, unsettle } from './thread-calls.ts';

interface Arithmetic {
  double(n: number): Promise<number>;
  refuse(code: string): Promise<never>;
  fail(): Promise<never>;
  after(name: string): Promise<string>;
  clock(): Promise<() => number>;
}

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

const waiting = new Map<string, () => void>();
const between = (): Caller<Arithmetic> => {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  answerCalls<Arithmetic>(port1, {
    double: async (n) => n * 2,
    refuse: async (code) => { throw new DomainError('conflict', code, { at: 7 }, 'Not now.'); },
    fail: async () => { throw new RangeError('out of range'); },
    clock: async () => () => 1,
    after: (name) => new Promise((resolve) => { waiting.set(name, () => { resolve(name); }); }),
  });
  return new Caller<Arithmetic>(port2);
};

describe('a call to another thread', () => {
  it('is answered with the value', async () => {
    const caller = between();
    expect(await Promise.all([1, 2, 3].map((n) => caller.call('double', n)))).toEqual([2, 4, 6]);
  });

  it('is answered in the order in which answers come, each to its own asker', async () => {
    const caller = between();
    const settled: string[] = [];
    const calls = ['a', 'b'].map((name) => caller.call('after', name).then((answer) => { settled.push(answer); return answer; }));
    await caller.call('double', 0);
    waiting.get('b')!();
    expect(await calls[1]).toBe('b');
    waiting.get('a')!();
    expect(await calls[0]).toBe('a');
    expect(settled).toEqual(['b', 'a']);
  });

  it('throws a domain error with all it says', async () => {
    const error = await between().call('refuse', 'not-now').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ kind: 'conflict', code: 'not-now', details: { at: 7 }, message: 'Not now.' });
  });

  it('throws what can\'t be copied, rather than never to answer', async () => {
    await expect(between().call('clock')).rejects.toThrow(/can't cross to another thread.*could not be cloned/);
  });

  it('throws any other error as itself', async () => {
    await expect(between().call('fail')).rejects.toThrow('out of range');
  });
});

it('settles work without throwing, and unsettles it to the same', async () => {
  expect(unsettle(await settle(async () => 'done'))).toBe('done');
  const refused = await settle(async () => { throw new DomainError('invalid', 'x', {}, 'Y.'); });
  expect(structuredClone(refused)).toEqual({ ok: false, refused: { kind: 'invalid', code: 'x', details: {}, message: 'Y.' } });
  expect(() => unsettle(refused)).toThrow(expect.objectContaining({ code: 'x' }));
});
