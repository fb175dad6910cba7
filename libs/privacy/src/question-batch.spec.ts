import { describe, expect, it } from '@jest/globals';
import { QuestionBatch } from './question-batch.ts';

const bounds = { maxItems: 3, maxWeight: 100, maxInFlight: 1, maxWaiting: 10 };
/** Echoes; records what went together. */
const echo = (requests: number[][], fails: (questions: readonly number[]) => boolean = () => false) => async (questions: readonly number[]) => {
  requests.push([...questions]);
  await Promise.resolve();
  if (fails(questions)) throw new Error('down');
  return questions.map((question) => question * 10);
};

describe('a question batch', () => {
  it('sends together what was asked together, up to its bounds, and answers each its own', async () => {
    const requests: number[][] = [];
    const batch = new QuestionBatch(echo(requests), bounds);
    expect(await Promise.all([1, 2, 3, 4, 5].map((each) => batch.ask(each, 1)))).toEqual([10, 20, 30, 40, 50]);
    expect(requests).toEqual([[1, 2, 3], [4, 5]]);
  });

  it('parts requests by weight, a question too heavy alone', async () => {
    const requests: number[][] = [];
    const batch = new QuestionBatch(echo(requests), bounds);
    await Promise.all([[1, 60], [2, 50], [3, 500], [4, 10], [5, 10]].map(([each, weight]) => batch.ask(each!, weight!)));
    expect(requests).toEqual([[1], [2], [3], [4, 5]]);
  });

  it('fails the questions of a failed request and no others', async () => {
    const batch = new QuestionBatch(echo([], (questions) => questions.includes(2)), bounds);
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((each) => batch.ask(each, 1)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
  });

  it('fails rather than guess when the number of answers is wrong', async () => {
    const batch = new QuestionBatch<number, number>(async () => [1], bounds);
    const outcomes = await Promise.allSettled([batch.ask(1, 1), batch.ask(2, 1)]);
    expect(outcomes).toEqual([1, 2].map(() => expect.objectContaining({ status: 'rejected', reason: expect.objectContaining({ code: 'keys-unavailable' }) })));
  });

  it('turns callers away when too many wait', async () => {
    const batch = new QuestionBatch(echo([]), { ...bounds, maxWaiting: 2 });
    const taken = [batch.ask(1, 1), batch.ask(2, 1)];
    expect(() => batch.ask(3, 1)).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'keys-busy' }));
    expect(await Promise.all(taken)).toEqual([10, 20]);
    expect(await batch.ask(3, 1)).toBe(30);
  });
});
