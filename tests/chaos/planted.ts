import { violationsOf } from './checker.ts';
import type { History, LogEvent } from './history.ts';

interface Plant {
  readonly name: string;
  /** Rules of which at least the first must speak. */
  readonly found: string;
  spoil(history: History): History;
}

const withLog = (history: History, log: string, events: readonly LogEvent[]): History => ({ ...history, logs: { ...history.logs, [log]: events } });
const renumbered = (events: readonly LogEvent[]): LogEvent[] => events.map((event, index) => ({ ...event, position: index + 1 }));

/** The longest log, cut in its middle: what is planted lies neither first nor last. */
const middle = ({ logs }: History): { log: string; events: readonly LogEvent[]; at: number } => {
  const [log, events] = Object.entries(logs).toSorted(([, a], [, b]) => b.length - a.length)[0]!;
  return { log, events, at: Math.floor(events.length / 2) };
};

/** An event and the next one of the same stream after it. */
const pairOfAStream = ({ logs }: History): { log: string; events: readonly LogEvent[]; first: number; second: number } => {
  for (const [log, events] of Object.entries(logs)) {
    const seen = new Map<string, number>();
    for (const [second, { stream }] of events.entries()) {
      const first = seen.get(stream);
      if (first !== undefined) return { log, events, first, second };
      seen.set(stream, second);
    }
  }
  throw new Error('no stream has two events: nothing to reorder');
};

const lost = (history: History): History => {
  const { log, events, at } = middle(history);
  return withLog(history, log, renumbered(events.toSpliced(at, 1)));
};

const gap = (history: History): History => {
  const { log, events, at } = middle(history);
  return withLog(history, log, events.map((event, index) => (index < at ? event : { ...event, position: event.position + 1 })));
};

const doubled = (history: History): History => {
  const { log, events, at } = middle(history);
  return withLog(history, log, renumbered([...events, events[at]!]));
};

const reordered = (history: History): History => {
  const { log, events, first, second } = pairOfAStream(history);
  const swapped = events.with(first, { ...events[second]!, streamVersion: events[first]!.streamVersion }).with(second, { ...events[first]!, streamVersion: events[second]!.streamVersion });
  return withLog(history, log, renumbered(swapped));
};

const exchanged = (history: History): History => {
  const [log, events] = Object.entries(history.logs).find(([, found]) => found.some(({ type }) => type === 'sales.order.placed'))!;
  const at = events.findIndex(({ type }) => type === 'sales.order.placed');
  const { data } = events[at]!;
  const [line] = data['lines'] as Record<string, unknown>[];
  return withLog(history, log, events.with(at, { ...events[at]!, data: { ...data, lines: [{ ...line, unitPrice: '66666.66' }] } }));
};

const firstOf = (figures: History['metrics'], kind: string): string => Object.keys(figures).find((name) => name.startsWith(kind))!;

const PLANTS: readonly Plant[] = [
  { name: 'loss', found: 'acknowledged-is-stored', spoil: lost },
  { name: 'gap', found: 'positions-are-dense', spoil: gap },
  { name: 'duplicate', found: 'stored-once', spoil: doubled },
  { name: 'reordering', found: 'streams-keep-their-order', spoil: reordered },
  { name: 'exchanged body', found: 'stored-was-sent', spoil: exchanged },
  { name: 'miscount', found: 'accounting-adds-up', spoil: (history) => ({ ...history, accounting: { ...history.accounting, accepted: history.accounting.accepted + 1 } }) },
  { name: 'stale stream', found: 'bus-equals-log', spoil: (history) => {
    const { log } = middle(history);
    return { ...history, bus: { ...history.bus, [log]: history.bus[log]!.slice(0, -1) } };
  } },
  { name: 'foreign message', found: 'bus-equals-log', spoil: (history) => {
    const { log, at } = middle(history);
    return { ...history, bus: { ...history.bus, [log]: history.bus[log]!.with(at, { ...history.bus[log]![at]!, recomputed: '00' }) } };
  } },
  { name: 'lake without a row', found: 'lake-equals-log', spoil: (history) => {
    const { log, at } = middle(history);
    return { ...history, lake: { ...history.lake, [log]: history.lake[log]!.toSpliced(at, 1) } };
  } },
  { name: 'event not under a checkpoint', found: 'ledger-verifies', spoil: (history) => {
    const { log } = middle(history);
    return { ...history, ledger: { ...history.ledger!, logs: history.ledger!.logs.map((verdict) => (verdict.log === log ? { ...verdict, cosigned: verdict.cosigned - 1 } : verdict)) } };
  } },
  { name: 'ledger not verified', found: 'ledger-verifies', spoil: (history) => {
    const { ledger: _, ...unverified } = history;
    return unverified;
  } },
  { name: 'metric off by one', found: 'figures-equal-a-fold', spoil: (history) => ({ ...history, metrics: { ...history.metrics, buyers: String(Number(history.metrics['buyers']) + 1) } }) },
  { name: 'figure lost by the warehouse', found: 'figures-equal-a-fold', spoil: (history) => {
    const { [firstOf(history.warehouse, 'gross')]: _, ...warehouse } = history.warehouse;
    return { ...history, warehouse };
  } },
];
export const PLANTED = PLANTS.map(({ name }) => name);

/**
 * What the checker fails to find when a sound history is spoilt in each known way: empty for a checker that can be trusted. The history
 * itself must hold.
 */
export const blindSpots = (history: History): string[] => [
  ...violationsOf(history).map(({ rule, what }) => `the history to spoil breaks ${rule} itself: ${what}`),
  ...PLANTS.filter(({ spoil, found }) => !violationsOf(spoil(structuredClone(history))).some(({ rule }) => rule === found)).map(({ name, found }) => `${name} is not found by ${found}`),
];
