import { describe, expect, it } from '@jest/globals';
import { ContextPlacement, StreamHomes, type Placement } from './stream-placement.ts';

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

interface Question { readonly streams: readonly string[]; answer(placement: Placement): Promise<void>; fail(): Promise<void> }

/** A placement whose questions are answered by hand, and the log of what it decided. */
const make = (homes = new StreamHomes()) => {
  const questions: Question[] = [];
  const decided: string[] = [];
  let at = 0;
  const ask = (_tenant: string, _context: string, streams: readonly string[]): Promise<Placement> => new Promise((resolve, reject) => {
    questions.push({
      streams,
      answer: async (placement) => { resolve(placement); await settled(); },
      fail: async () => { reject(Object.assign(new Error('gone'), { code: 'ECONNRESET' })); await settled(); },
    });
  });
  const placement = new ContextPlacement('shop', 'sales', homes, ask, () => at);
  const call = (name: string, ...streams: string[]): void => placement.place({
    streams, placed: (shards) => { decided.push(`${name} ${shards.join(',')}`); }, failed: (error) => { decided.push(`${name} ${(error as { code: string }).code}`); },
  });
  return { questions, decided, placement, call, pass: (ms: number) => { at += ms; } };
};

/** One that knows there are `shards` logs and remembers nothing yet. */
const knowing = async (shards: number, homes?: StreamHomes) => {
  const made = make(homes);
  made.call('first', 'z');
  await made.questions.shift()!.answer({ shards, homes: shards === 1 ? [] : [0] });
  made.placement.answered('z');
  made.decided.length = 0;
  return made;
};

describe('placing streams', () => {
  it('asks for the count once and then for nothing while there is one log', async () => {
    const { questions, decided, call } = make();
    call('a', 's', 't');
    expect(questions.map(({ streams }) => streams)).toEqual([['s', 't']]);
    await questions.shift()!.answer({ shards: 1, homes: [] });
    call('b', 'u');
    expect(decided).toEqual(['a 0,0', 'b 0']);
    expect(questions).toEqual([]);
  });

  it('reads the count again after a second, beside the calls, and takes an old count when it can\'t', async () => {
    const { questions, decided, call, pass, placement } = await knowing(1);
    pass(1001);
    call('a', 's');
    expect([decided, questions.map(({ streams }) => streams)]).toEqual([['a 0'], [[]]]);
    await questions.shift()!.fail();
    call('b', 's');
    expect(questions).toEqual([]);
    pass(1001);
    call('c', 's');
    await questions.shift()!.answer({ shards: 4, homes: [] });
    for (let n = 0; n < 3; n += 1) placement.answered('s');
    call('d', 's');
    expect([decided, questions.map(({ streams }) => streams)]).toEqual([['a 0', 'b 0', 'c 0'], [['s']]]);
  });

  it('asks once for all calls that wait, and lets nobody overtake them', async () => {
    const { questions, decided, call } = await knowing(4);
    call('a', 's');
    call('b', 't', 's');
    call('c', 'z');
    expect(questions.map(({ streams }) => streams)).toEqual([['s']]);
    await questions.shift()!.answer({ shards: 4, homes: [2] });
    expect(decided).toEqual(['a 2']);
    expect(questions.map(({ streams }) => streams)).toEqual([['t']]);
    await questions.shift()!.answer({ shards: 4, homes: [3] });
    expect(decided).toEqual(['a 2', 'b 3,2', 'c 0']);
    call('d', 's', 't', 'z');
    expect(decided.at(-1)).toBe('d 2,3,0');
  });

  it('keeps a stream where its unanswered units are, whatever is learnt meanwhile', async () => {
    const { questions, decided, call, placement, pass } = await knowing(1);
    call('a', 's');
    pass(1001);
    call('b', 'other');
    await questions.shift()!.answer({ shards: 8, homes: [] });
    call('c', 's');
    expect(decided).toEqual(['a 0', 'b 0', 'c 0']);
    placement.answered('s');
    call('d', 's');
    expect(decided.at(-1)).toBe('d 0');
    for (let n = 0; n < 2; n += 1) placement.answered('s');
    call('e', 's');
    await questions.shift()!.answer({ shards: 8, homes: [5] });
    expect(decided.at(-1)).toBe('e 5');
  });

  it('sends a stream that turned out to live elsewhere there, also while units of it are unanswered', async () => {
    const { questions, decided, call, placement } = await knowing(1);
    call('a', 's');
    placement.moved('s', 7);
    call('b', 's');
    placement.answered('s');
    placement.answered('s');
    call('c', 's', 't');
    expect([decided, questions]).toEqual([['a 0', 'b 7', 'c 7,0'], []]);
  });

  it('fails the calls a question was for, and no other', async () => {
    const { questions, decided, call } = await knowing(4);
    call('a', 's');
    call('b', 't');
    await questions.shift()!.fail();
    call('c', 'u');
    await questions.shift()!.answer({ shards: 4, homes: [1] });
    await questions.shift()?.answer({ shards: 4, homes: [3] });
    expect(decided).toEqual(['a event-store-unavailable', 'b 1', 'c 3']);
  });

  it('asks again for what it has forgotten', async () => {
    const { questions, decided, call, placement } = await knowing(4, new StreamHomes(2));
    for (const [name, stream, shard] of [['a', 's', 1], ['b', 't', 2], ['c', 'u', 3]] as const) {
      call(name, stream);
      await questions.shift()!.answer({ shards: 4, homes: [shard] });
      placement.answered(stream);
    }
    call('d', 'u', 't');
    expect([decided.at(-1), questions]).toEqual(['d 3,2', []]);
    call('e', 's');
    expect(questions.map(({ streams }) => streams)).toEqual([['s']]);
  });
});
