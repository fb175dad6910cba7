import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { differencesOf, type LogTally, type SourceTally } from './difference.rule.ts';
import { LogCount, type Tally } from './log-count.ts';
import { Reconciler } from './reconciler.ts';
import type { Difference } from './difference.rule.ts';
import type { OpenDifference } from './difference-log.ts';
import { differenceKey } from './difference.rule.ts';

const source = (part: Partial<SourceTally> = {}): SourceTally => ({ tenant: 'shop', source: 'web', unanswered: 0, acceptedBefore: 90, acceptedAfter: 100, inLogs: 95, ...part });
const log = (part: Partial<LogTally> = {}): LogTally => ({ tenant: 'shop', log: 'sales/0', head: 100, ranges: [], stream: { first: 11, last: 95, messages: 85 }, consumers: [{ name: 'warehouse', position: 80, taken: 80, takenFrom: 0 }], ...part });
const kinds = (sources: SourceTally[], logs: LogTally[] = []): string[] => differencesOf(sources, logs).map(({ kind, about, expected, actual }) => `${kind} ${about}: ${expected}; ${actual}`);

describe('what must add up', () => {
  it('does, while counts move', () => { expect(differencesOf([source(), source({ inLogs: 90 }), source({ inLogs: 100, unanswered: 7 })], [log()])).toEqual([]); });

  it.each<[string, SourceTally[], LogTally[]]>([
    ['source-unaccounted web: accepted + duplicate + rejected no more than received; 3 more than received', [source({ unanswered: -3 })], []],
    ['source-accepted web: 90 to 100 events accepted; 89 events in the logs', [source({ inLogs: 89 })], []],
    ['source-accepted web: 90 events accepted; 91 events in the logs', [source({ acceptedAfter: 90, inLogs: 91 })], []],
    ['log-count sales/0: 10 events from 41 to 50; 9 events', [], [log({ ranges: [{ from: 41, to: 50, rows: 9 }, { from: 61, to: 70, rows: 8 }] })]],
    ['relay-count sales/0: 85 messages from 11 to 95; 84 messages', [], [log({ stream: { first: 11, last: 95, messages: 84 } })]],
    ['relay-count sales/0: at most 100 relayed; the stream ends at 101', [], [log({ stream: { first: 1, last: 101, messages: 101 } })]],
    ['consumer-count warehouse/sales/0: 80 events from 1 to 80; 79 events taken', [], [log({ consumers: [{ name: 'warehouse', position: 80, taken: 79 }] })]],
    ['consumer-count warehouse/sales/0: 30 events from 51 to 80; 31 events taken', [], [log({ consumers: [{ name: 'warehouse', position: 80, taken: 31, takenFrom: 50 }] })]],
    ['consumer-ahead warehouse/sales/0: at most 100 consumed; stands at 101', [], [log({ consumers: [{ name: 'warehouse', position: 101 }] })]],
  ])('is named: %s', (told, sources, logs) => { expect(kinds(sources, logs)).toEqual([told]); });

  it('says nothing of what is not counted', () => { expect(differencesOf([source({ inLogs: undefined })], [log({ stream: undefined, consumers: [{ name: 'analytics', position: 9 }] })])).toEqual([]); });
});

describe('a log counted range by range', () => {
  const key = { tenant: 'shop', context: 'sales', shard: 0 } as const;
  const rowsOf = (present: ReadonlySet<number> | ((position: number) => boolean)): Tally => async (_, after, through) => {
    const has = typeof present === 'function' ? present : (position: number) => present.has(position);
    let events = 0;
    for (let position = after + 1; position <= through; position += 1) if (has(position)) events += 1;
    const sources: Record<string, number> = events > 0 ? { web: events } : {};
    return { events, bare: 0, sources };
  };

  it('comes to every source\'s events, however the head moves', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 5 }), async (steps) => {
      const count = new LogCount(key, async (_, after, through) => ({ events: through - after, bare: 0, sources: { web: through - after } }));
      let head = 0;
      for (const step of steps) expect(await count.countTo(head += step)).toBe(true);
      expect([count.bySource()?.get('web') ?? 0, count.shortRanges()]).toEqual([head, []]);
    }));
  });

  it('names the range where a row is missing, also one that went after it was counted, until it is whole again', async () => {
    const gone = new Set<number>([12_345]);
    const count = new LogCount(key, rowsOf((position) => !gone.has(position)));
    await count.countTo(25_000);
    expect(count.shortRanges()).toEqual([{ from: 10_001, to: 20_000, rows: 9_999 }]);
    gone.clear();
    await count.countTo(25_000);
    expect(count.shortRanges()).toEqual([]);
    gone.add(3);
    for (let turn = 0; turn < 200 && count.shortRanges().length === 0; turn += 1) await count.countTo(25_000);
    expect(count.shortRanges()).toEqual([{ from: 1, to: 10_000, rows: 9_999 }]);
  });

  it('takes several turns for a long log, and knows no sources where envelopes are gone', async () => {
    const count = new LogCount(key, async (_, after, through) => ({ events: through - after, bare: after === 0 ? 1 : 0, sources: {} }));
    expect([await count.countTo(600_000), await count.countTo(600_000), count.bySource()]).toEqual([false, true, undefined]);
  });
});

describe('looking again and again', () => {
  const difference: Difference = { tenant: 'shop', kind: 'log-count', about: 'sales/0', expected: '10 events', actual: '9 events' };
  /** A look is what it sees, an error, or what happens while it looks, with what it saw before that. */
  type Look = readonly Difference[] | Error | ((open: Map<string, OpenDifference>) => readonly Difference[]);
  const reconciler = (looks: Look[]) => {
    const [open, heard] = [new Map<string, OpenDifference>(), [] as string[]];
    const made = new Reconciler({
      tenants: async () => ['shop'],
      look: async () => { const look = looks.shift() ?? []; if (look instanceof Error) throw look; return typeof look === 'function' ? look(open) : look; },
      told: {
        open: async () => [...open.values()],
        found: async (one) => { open.set(differenceKey(one), { ...one, since: 'now' }); return true; },
        settled: async (one) => open.delete(differenceKey(one)),
      },
      onFound: ({ kind }) => { heard.push(`found ${kind}`); }, onSettled: ({ kind }) => { heard.push(`settled ${kind}`); },
    });
    return { made, heard };
  };

  it('tells what two looks in a row have seen, once, and settles what two have not', async () => {
    const { made, heard } = reconciler([[difference], [difference], [{ ...difference, actual: '8 events' }], [], [difference], [], []]);
    const after: string[][] = [];
    for (let turn = 0; turn < 7; turn += 1) { await made.turn(); after.push(heard.splice(0)); }
    expect(after).toEqual([[], ['found log-count'], [], [], [], [], ['settled log-count']]);
    expect(made.standing()).toEqual([]);
  });

  it('tells nothing anew that another process has settled while it looked', async () => {
    const settledMeanwhile: Look = (open) => { open.clear(); return [difference]; };
    const { made, heard } = reconciler([[difference], [difference], settledMeanwhile, [], [difference], [difference]]);
    for (let turn = 0; turn < 4; turn += 1) await made.turn();
    expect([heard.splice(0), made.standing()]).toEqual([['found log-count'], []]);
    for (let turn = 0; turn < 2; turn += 1) await made.turn();
    expect(heard).toEqual(['found log-count']);
  });

  it('tells nothing of what one look alone has seen, and a look that fails changes nothing', async () => {
    const { made, heard } = reconciler([[difference], [], [difference], new Error('away'), [difference]]);
    for (let turn = 0; turn < 3; turn += 1) await made.turn();
    await expect(made.turn()).rejects.toThrow('away');
    await made.turn();
    expect([heard, made.standing()]).toEqual([['found log-count'], [{ ...difference, since: 'now' }]]);
  });
});
