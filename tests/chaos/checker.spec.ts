import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RULE_NAMES, violationsOf } from './checker.ts';
import { foldOf, interleaved } from './fold.ts';
import type { Answer, History } from './history.ts';
import { reportFrom } from './ledger-view.ts';
import { blindSpots, PLANTED } from './planted.ts';
import { soundHistory } from './sample-history.ts';

const sound = soundHistory();
const brokenBy = (change: (history: { -readonly [K in keyof History]: History[K] }) => Partial<History>): string[] => {
  const history = structuredClone(sound);
  return [...new Set(violationsOf({ ...history, ...change(history) }).map(({ rule }) => rule))];
};
const LOG = 'sales/0';

describe('the checker', () => {
  it('finds nothing wrong with a sound history', () => {
    expect(violationsOf(sound)).toEqual([]);
    expect(Object.values(sound.logs).flat()).toHaveLength(160);
  });

  it('finds each thing planted in a copy of it', () => {
    expect(PLANTED).toEqual(expect.arrayContaining(['loss', 'duplicate', 'reordering', 'gap']));
    expect(blindSpots(sound)).toEqual([]);
  });

  it('tells of a plant that is not found, and of a history that is unsound to begin with', () => {
    const mute: History = { ...sound, attempts: [], accounting: { received: 0, accepted: 160, duplicate: 0, rejected: 0, unanswered: -160 } };
    expect(blindSpots(mute)).toEqual(expect.arrayContaining([expect.stringContaining('stored-was-sent itself'), expect.stringContaining('loss is not found')]));
  });

  it('finds every event of a log that is gone, wherever it stood', () => {
    const ids = Object.values(sound.logs).flat().map(({ id }) => id);
    fc.assert(fc.property(fc.constantFrom(...ids), (id) => {
      const logs = Object.fromEntries(Object.entries(sound.logs).map(([log, events]) => [log, events.filter((event) => event.id !== id)]));
      expect(violationsOf({ ...sound, logs })).toContainEqual({ rule: 'acknowledged-is-stored', what: expect.stringContaining(`${id}, acknowledged at`) });
    }), { numRuns: 60 });
  });

  it.each<[string, string, Parameters<typeof brokenBy>[0]]>([
    ['an event nobody sent', 'stored-was-sent', ({ logs }) => ({ logs: { ...logs, [LOG]: logs[LOG]!.map((event, at) => (at === 3 ? { ...event, id: 'stranger' } : event)) } })],
    ['an event in a second log', 'stored-once', ({ logs }) => ({ logs: { ...logs, 'sales/1': [{ ...logs[LOG]![0]!, position: 1 }] } })],
    ['an acknowledgement of another position', 'position-is-the-acknowledged', ({ attempts }) => ({ attempts: attempts.map((attempt, at) => (at === 0 ? { ...attempt, answers: attempt.answers!.map((answer) => ({ ...answer, position: answer.position! + 1 })) } : attempt)) })],
    ['an acknowledgement of an epoch to come', 'position-is-the-acknowledged', ({ attempts }) => ({ attempts: attempts.map((attempt) => ({ ...attempt, answers: attempt.answers!.map((answer) => ({ ...answer, epoch: 2_000_000_000 })) })) })],
    ['a version left out', 'stream-versions-are-dense', ({ logs }) => ({ logs: { ...logs, [LOG]: logs[LOG]!.map((event, at, all) => (at === all.length - 1 ? { ...event, streamVersion: 9 } : event)) } })],
    ['an event that was never acknowledged', 'every-event-is-acknowledged', ({ attempts }) => ({ attempts: attempts.map(({ answers, ...attempt }, at) => (at === 0 ? attempt : { ...attempt, answers: answers! })) })],
    ['two acceptances of one event', 'accepted-once', ({ attempts }) => ({ attempts: [...attempts, { ...attempts[0]!, attempt: 99, purpose: 'duplicate' }] })],
    ['a duplicate of nothing', 'accepted-once', ({ attempts }) => ({ attempts: attempts.map((attempt, at) => (at === 0 ? { ...attempt, answers: attempt.answers!.map((answer) => ({ ...answer, outcome: 'duplicate' as const })) } : attempt)) })],
    ['a conflict that was taken', 'conflicts-are-refused', ({ attempts }) => ({ attempts: attempts.map((attempt) => (attempt.purpose === 'conflict' ? { ...attempt, answers: attempt.answers!.map((answer) => ({ ...answer, outcome: 'duplicate' as const })) } : attempt)) })],
    ['a good event that was refused', 'nothing-else-is-refused', ({ attempts }) => ({ attempts: attempts.map((attempt, at) => (at === 1 ? { ...attempt, answers: attempt.answers!.map((answer) => ({ ...answer, outcome: 'rejected' as const })) } : attempt)) })],
    ['more unanswered than sent without an answer', 'accounting-adds-up', ({ accounting }) => ({ accounting: { ...accounting, received: accounting.received + 1, unanswered: 1 } })],
    ['a stream that is missing', 'bus-equals-log', ({ bus }) => ({ bus: { ...bus, [LOG]: [] } })],
    ['a hole in a stream', 'bus-equals-log', ({ bus }) => ({ bus: { ...bus, [LOG]: bus[LOG]!.toSpliced(2, 1) } })],
    ['a read model that shows nothing', 'figures-equal-a-fold', () => ({ metrics: {} })],
    ['a country that is not the latest', 'figures-equal-a-fold', ({ warehouse }) => ({ warehouse: Object.fromEntries(Object.entries(warehouse).map(([name, value]) => [name, name.startsWith('country') ? 'XX' : value])) })],
    ['a finding of the ledger', 'ledger-verifies', ({ ledger }) => ({ ledger: { ...ledger!, findings: ['sales/0 position 7: altered'] } })],
    ['a verification that was cut off', 'ledger-verifies', ({ ledger }) => ({ ledger: { ...ledger!, complete: false } })],
    ['a log the ledger passed over', 'ledger-verifies', ({ ledger }) => ({ ledger: { ...ledger!, logs: ledger!.logs.slice(1) } })],
    ['an event the ledger did not read', 'ledger-verifies', ({ ledger }) => ({ ledger: { ...ledger!, logs: ledger!.logs.map((verdict) => ({ ...verdict, events: verdict.events - 1 })) } })],
    ['findings that are only counted', 'ledger-verifies', ({ ledger }) => ({ ledger: { ...ledger!, logs: ledger!.logs.map((verdict) => ({ ...verdict, findings: 1 })) } })],
  ])('finds %s', (_, rule, change) => {
    expect(brokenBy(change)).toContain(rule);
  });

  /** As if a copy had been taken before all of this, and put back after it. */
  const heard = (era: Answer['era']): History['attempts'] => sound.attempts.map((attempt) => ({ ...attempt, answers: attempt.answers!.map((answer) => (era === undefined ? answer : { ...answer, era })) }));
  const rulesOf = (history: Partial<History>): string[] => violationsOf({ ...sound, ...history }).map(({ rule }) => rule);

  it('lets go what recover named as lost with a restored log, and nothing else', () => {
    const kept = 5;
    const logs = { ...sound.logs, [LOG]: sound.logs[LOG]!.slice(0, kept).map((event) => ({ ...event, epoch: event.epoch + 1 })) };
    const epoch = sound.logs[LOG]![0]!.epoch + 1;
    const previousEpoch = epoch - 1;
    const restored = { [LOG]: { epoch, previousEpoch, kept } };
    expect(rulesOf({ logs })).toContain('acknowledged-is-stored');
    expect(rulesOf({ logs, restored, attempts: heard('copied') })).not.toContain('acknowledged-is-stored');
    expect(rulesOf({ logs, restored: { [LOG]: { epoch, previousEpoch, kept: kept + 1 } }, attempts: heard('copied') })).toContain('acknowledged-is-stored');
    expect(rulesOf({ logs, restored: { [LOG]: { epoch: epoch - 1, previousEpoch, kept } }, attempts: heard('copied') })).toContain('acknowledged-is-stored');
    for (const era of [undefined, 'restored'] as const) expect(rulesOf({ logs, restored, attempts: heard(era) })).toContain('acknowledged-is-stored');
  });

  it('takes what was lost and sent again behind what was sent meanwhile, in its own order, and nothing else so', () => {
    const events = sound.logs[LOG]!;
    const before = events.findIndex(({ stream }, at) => events.slice(at + 1).some((other) => other.stream === stream));
    const { stream } = events[before]!;
    const moved = (which: (event: History['logs'][string][number]) => boolean): History['logs'] =>
      ({ ...sound.logs, [LOG]: [...events.filter((event) => !which(event)), ...events.filter(which).toReversed()].map((event, at) => ({ ...event, position: at + 1 })) });
    const restored = { [LOG]: { epoch: events[0]!.epoch + 1, previousEpoch: events[0]!.epoch, kept: before } };
    const [first] = events.filter((event) => event.stream === stream);
    const onlyFirst = heard('copied').map((attempt) => ({ ...attempt, answers: attempt.answers!.map(({ era, ...answer }) => (answer.id === first!.id ? { ...answer, era: era! } : answer)) }));
    const logs = moved(({ id }) => id === first!.id);
    expect(rulesOf({ logs })).toContain('streams-keep-their-order');
    expect(rulesOf({ logs, restored, attempts: onlyFirst })).not.toContain('streams-keep-their-order');
    expect(rulesOf({ logs: moved((event) => event.stream === stream), restored, attempts: heard('copied') })).toContain('streams-keep-their-order');
  });

  it('asks nothing of counts that went with a restored log, and all of the others', () => {
    const few = { ...sound.accounting, received: sound.accounting.received - sound.accounting.duplicate, duplicate: 0 };
    expect(rulesOf({ accounting: few })).toContain('accounting-adds-up');
    expect(rulesOf({ accounting: few, attempts: heard('copied') })).not.toContain('accounting-adds-up');
    expect(rulesOf({ accounting: few, attempts: heard('restored') })).toContain('accounting-adds-up');
  });

  it('knows the platform\'s own facts from events that nobody sent', () => {
    const fact = { ...sound.logs[LOG]![0]!, id: 'recovered/sales/0/7', via: 'backbone', type: 'backbone.log.recovered', data: {}, stream: 'backbone.log/sales/0', streamVersion: 1, position: 1 };
    const message = { sequence: 1, id: fact.id, leaf: fact.leaf, recomputed: fact.leaf };
    const withFact = (log: string): Partial<History> => ({ logs: { ...sound.logs, [log]: [fact] }, bus: { ...sound.bus, [log]: [message] }, ledger: { ...sound.ledger!, logs: [...sound.ledger!.logs, { log, events: 1, cosigned: 1, findings: 0 }] } });
    expect(rulesOf(withFact('backbone/0'))).toEqual([]);
    expect(rulesOf(withFact('customer/7'))).toEqual(expect.arrayContaining(['stored-was-sent', 'lake-equals-log']));
    expect(rulesOf({ ...withFact('backbone/0'), bus: sound.bus })).toEqual(['bus-equals-log']);
  });

  it('takes the verification from what the command prints', () => {
    const printed = { complete: true, findings: [{ tenant: 't', log: LOG, kind: 'altered', position: 7, what: 'not the one that was signed' }], logs: [{ tenant: 't', log: LOG, size: 9, cosignedAt: 'x', witness: 'heard', events: 10, redacted: [], findings: 1 }] };
    expect(reportFrom(JSON.stringify(printed))).toEqual({ complete: true, findings: [`${LOG} position 7: altered: not the one that was signed`], logs: [{ log: LOG, events: 10, cosigned: 9, findings: 1 }] });
    expect(() => reportFrom('millrace: no')).toThrow(SyntaxError);
  });

  it('has a name for each rule', () => {
    expect(RULE_NAMES).toHaveLength(16);
  });
});

describe('the fold', () => {
  it('is the same for every interleaving of the logs, which keep their own order', () => {
    fc.assert(fc.property(fc.string(), (seed) => {
      const merged = interleaved(sound.logs, seed);
      for (const [log, events] of Object.entries(sound.logs)) expect(merged.filter((placed) => placed.log === log).map(({ event }) => event.position)).toEqual(events.map(({ position }) => position));
      expect(foldOf(merged)).toEqual(foldOf(interleaved(sound.logs, 'another')));
    }), { numRuns: 20 });
  });

  it('adds exactly, and counts as billed', () => {
    const order = (type: string, position: number, lines: unknown[]): History['logs'][string][number] =>
      ({ ...sound.logs[LOG]![0]!, type, position, data: { orderId: 'o', currency: 'EUR', country: 'DE', customer: { ref: 'sub_a' }, lines } });
    const line = (quantity: number, unitPrice: string): unknown => ({ productId: 'p', quantity, unitPrice, kind: 'product' });
    const events = [order('sales.order.placed', 1, [line(3, '0.100'), line(1, '0.000001')]), order('sales.order.cancelled', 2, [line(-1, '0.100')])];
    expect(foldOf(events.map((event) => ({ log: LOG, event })))).toEqual({
      'gross EUR': '0.200001', 'gross EUR product=p': '0.200001', 'clean EUR customer=sub_a': '0.300001', 'units product=p': '4', 'orders country=DE': '1', 'country customer=sub_a': 'DE', placed: '2', cancelled: '1', buyers: '1',
    });
  });
});
