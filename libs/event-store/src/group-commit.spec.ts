import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DomainError, type Epoch, type LogKey } from '@millrace/kernel';
import type { Appended } from './append.ts';
import { DEFAULT_LIMITS, GroupCommit, QueueBudget, type GroupCommitLimits } from './group-commit.ts';
import { prepareUnits, type PreparedUnit } from './prepared-unit.ts';
import { sampleEvent } from './event-store.conformance.ts';

const LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const unitsOf = (...streams: string[]): PreparedUnit[] =>
  prepareUnits(LOG, streams.map((name) => ({ stream: `sales.order/${name}`, expectedVersion: 'any' as const, events: [sampleEvent(LOG, `sales.order/${name}`)] })), {}, new Date(0));
const names = (units: readonly PreparedUnit[]): string => units.map((unit) => unit.stream.slice('sales.order/'.length)).join(' ');
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** Holds each batch until it is answered by hand. */
class Sends {
  readonly waiting: { epoch: Epoch | undefined; units: readonly PreparedUnit[]; lookFirst: boolean; answer: (appended?: Partial<Appended>) => Promise<void> }[] = [];
  private position = 0;

  readonly send = (epoch: Epoch | undefined, units: readonly PreparedUnit[], lookFirst: boolean): Promise<Appended> => new Promise((resolve) => {
    const answer = async (appended: Partial<Appended> = {}): Promise<void> => {
      this.waiting.splice(this.waiting.findIndex((one) => one.units === units), 1);
      resolve({ answers: units.map((unit) => unit.events.map(() => ({ kind: 'appended', position: (this.position += 1), streamVersion: 1 }))), surprised: false, ...appended });
      await turn();
      await turn();
    };
    this.waiting.push({ epoch, units, lookFirst, answer });
  });
}

const make = (limits: Partial<GroupCommitLimits> = {}): { sends: Sends; group: GroupCommit; budget: QueueBudget } => {
  const sends = new Sends();
  const whole = { ...DEFAULT_LIMITS, overlapEvents: 1, ...limits };
  const budget = new QueueBudget(whole);
  return { sends, budget, group: new GroupCommit(LOG, whole, budget, sends.send) };
};

describe('group commit', () => {
  it('puts calls of one turn into one batch and answers each with its own outcomes', async () => {
    const { sends, group } = make({ overlapEvents: 100 });
    const calls = [group.append(unitsOf('a', 'b'), undefined), group.append(unitsOf('c'), undefined), group.append([], undefined)];
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a b c']);
    await sends.waiting[0]!.answer();
    expect((await Promise.all(calls)).map((outcomes) => outcomes.map((outcome) => 'position' in outcome && outcome.position))).toEqual([[1, 2], [3], []]);
  });

  it('has at most two batches on their way and sends the second only when enough waits', async () => {
    const { sends, group } = make({ overlapEvents: 2 });
    void group.append(unitsOf('a'), undefined);
    await turn();
    void group.append(unitsOf('b'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a']);
    void group.append(unitsOf('c'), undefined);
    await turn();
    void group.append(unitsOf('d', 'e', 'f'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a', 'b c']);
    await sends.waiting[0]!.answer();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['b c', 'd e f']);
  });

  it('holds back a stream that is on its way, so its order stays, and what little stands before it', async () => {
    const { sends, group } = make();
    void group.append(unitsOf('a'), undefined);
    await turn();
    void group.append(unitsOf('b', 'a', 'c'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a']);
    await sends.waiting[0]!.answer();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['b a c']);
  });

  it('halves what waits between calls, never a call that fits: its events land in the order given', async () => {
    const { sends, group } = make();
    void group.append(unitsOf('a', 'b', 'c', 'd'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a b c d']);
    for (const name of ['e', 'f', 'g', 'h']) void group.append(unitsOf(name), undefined);
    await sends.waiting[0]!.answer();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['e f', 'g h']);
  });

  it('sends what stands before a stream that is on its way when it is worth a transaction', async () => {
    const { sends, group } = make();
    const many = Array.from({ length: 300 }, (_, n) => `s${n}`);
    void group.append(unitsOf('a'), undefined);
    await turn();
    void group.append(unitsOf(...many, 'a', 'c'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a', many.join(' ')]);
    await sends.waiting[0]!.answer();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual([many.join(' '), 'a c']);
  });

  it('keeps to the batch bounds, and takes a call whole unless it is larger than a batch', async () => {
    const { sends, group } = make({ batchEvents: 3 });
    void group.append(unitsOf('a', 'b'), undefined);
    void group.append(unitsOf('c', 'd'), undefined);
    void group.append(unitsOf('e', 'f', 'g', 'h', 'i'), undefined);
    const seen: string[] = [];
    await turn();
    while (sends.waiting.length > 0) {
      seen.push(names(sends.waiting[0]!.units));
      await sends.waiting[0]!.answer();
    }
    expect(seen).toEqual(['a b', 'c d e', 'f g h', 'i']);
  });

  it('sends a single unit however large, and bounds a batch in bytes', async () => {
    const { sends, group } = make({ batchBytes: 1 });
    void group.append(unitsOf('a', 'b'), undefined);
    await turn();
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['a', 'b']);
  });

  it('refuses more than its queue holds, and takes again once it is emptied', async () => {
    const { sends, group, budget } = make({ queueEvents: 2 });
    const first = group.append(unitsOf('a', 'b'), undefined);
    expect(() => group.append(unitsOf('c'), undefined)).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'append-queue-full' }));
    await turn();
    while (sends.waiting.length > 0) await sends.waiting[0]!.answer();
    await first;
    expect([budget.events, budget.bytes]).toEqual([0, 0]);
    await turn();
    void group.append(unitsOf('c', 'd'), undefined);
    await turn();
    expect(sends.waiting).not.toHaveLength(0);
  });

  it('fails a call after all its units were answered, and no other call', async () => {
    const { sends, group } = make({ overlapEvents: 100 });
    const failing = group.append(unitsOf('a', 'b'), undefined);
    const passing = group.append(unitsOf('c'), undefined);
    await turn();
    const failure = new DomainError('conflict', 'stream-in-other-log');
    const settled = Promise.allSettled([failing, passing]);
    await sends.waiting[0]!.answer({ answers: [failure, [{ kind: 'skipped' }], [{ kind: 'skipped' }]] });
    expect(await settled).toEqual([{ status: 'rejected', reason: failure }, { status: 'fulfilled', value: [{ kind: 'skipped' }] }]);
  });

  it('refuses what waits behind a unit that was refused for now, on its stream alone', async () => {
    const { sends, group, budget } = make({ overlapEvents: 100 });
    const calls = [group.append(unitsOf('a', 'b'), undefined)];
    await turn();
    calls.push(group.append(unitsOf('b', 'c'), undefined), group.append(unitsOf('c', 'a'), undefined), group.append(unitsOf('d'), undefined));
    const settled = Promise.allSettled(calls);
    const away = new DomainError('unavailable', 'event-store-unavailable');
    await sends.waiting[0]!.answer({ answers: [[{ kind: 'skipped' }], away] });
    expect(sends.waiting.map((batch) => names(batch.units))).toEqual(['c c a d']);
    await sends.waiting[0]!.answer();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
    expect(budget.events).toBe(0);
  });

  it('learns the epoch, keeps epochs apart, and refuses what waited through a renewal', async () => {
    const { sends, group } = make({ overlapEvents: 100 });
    void group.append(unitsOf('a'), undefined);
    await turn();
    await sends.waiting[0]!.answer({ epoch: 7 });
    const stale = [group.append(unitsOf('b'), undefined)];
    await turn();
    expect(sends.waiting[0]!.epoch).toBe(7);
    stale.push(group.append(unitsOf('c'), undefined));
    void group.append(unitsOf('d'), 8);
    const renewed = new DomainError('conflict', 'epoch-renewed');
    const settled = Promise.allSettled(stale);
    await sends.waiting[0]!.answer({ answers: [renewed] });
    expect(await settled).toEqual([{ status: 'rejected', reason: renewed }, { status: 'rejected', reason: renewed }]);
    expect(sends.waiting.map((batch) => [names(batch.units), batch.epoch])).toEqual([['d', 8]]);
  });

  it('keeps receipts apart: one that is lost must fail what was counted under it, and nothing else', async () => {
    const { sends, group } = make({ overlapEvents: 100 });
    const under = (run: string | undefined, ...streams: string[]): PreparedUnit[] => unitsOf(...streams).map((unit) => ({ ...unit, ...(run === undefined ? {} : { receipt: { run } }) }));
    for (const units of [under('first', 'a'), under('first', 'b'), under('second', 'c'), under(undefined, 'd'), under(undefined, 'e')]) void group.append(units, undefined);
    const seen: string[] = [];
    await turn();
    while (sends.waiting.length > 0) {
      seen.push(names(sends.waiting[0]!.units));
      await sends.waiting[0]!.answer();
    }
    expect(seen).toEqual(['a b', 'c', 'd e']);
  });

  it('looks before it appends for a while after a surprise', async () => {
    const { sends, group } = make();
    const looked: boolean[] = [];
    for (let n = 0; n < 11; n += 1) {
      void group.append(unitsOf('a'), undefined);
      await turn();
      looked.push(sends.waiting[0]!.lookFirst);
      await sends.waiting[0]!.answer({ surprised: n === 0 });
    }
    expect(looked).toEqual([false, ...Array.from({ length: 8 }, () => true), false, false]);
  });

  it('sends every unit once, each stream in its order, whatever is answered when', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), async (calls, choices) => {
      const { sends, group } = make({ batchEvents: 3 });
      const units = calls.map((streams) => unitsOf(...streams));
      const answers = Promise.all(units.map((call) => group.append(call, undefined)));
      const sent: PreparedUnit[] = [];
      await turn();
      while (sends.waiting.length > 0) {
        const { value } = choices.next() as { value: number };
        const batch = sends.waiting[value % sends.waiting.length]!;
        expect(new Set(sends.waiting.flatMap((one) => [...new Set(names(one.units).split(' '))])).size).toBe(sends.waiting.reduce((sum, one) => sum + new Set(names(one.units).split(' ')).size, 0));
        sent.push(...batch.units);
        await batch.answer();
      }
      expect((await answers).map((outcomes) => outcomes.length)).toEqual(calls.map((call) => call.length));
      for (const stream of ['a', 'b', 'c', 'd']) {
        const of = (list: readonly PreparedUnit[]): PreparedUnit[] => list.filter((one) => one.stream === `sales.order/${stream}`);
        expect(of(sent)).toEqual(of(units.flat()));
      }
    }), { numRuns: 60 });
  });
});
