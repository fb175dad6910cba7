import { createHash } from 'node:crypto';
import { foldOf, interleaved } from './fold.ts';
import type { Answer, Attempt, Figures, History, LogEvent } from './history.ts';
import { planOf } from './plan.ts';
import { LaneLoad, type MadeEvent } from './workload.ts';

const SOURCE = 'chaos';
const EPOCH = 1_764_000_000;
const logOf = (type: string): string => `${type.split('.')[0]}/0`;

/** A person on the wire is a number, in the log a reference. */
const asStored = (data: MadeEvent['data']): LogEvent['data'] => {
  const customer = data['customer'] as { number?: string } | undefined;
  return customer === undefined ? data : { ...data, customer: { ref: `sub_${customer.number}` } };
};

const kinds = (figures: Figures, names: readonly string[]): Figures => Object.fromEntries(Object.entries(figures).filter(([figure]) => names.includes(figure.split(' ')[0]!)));

/** The history of a sound platform that took a load without any fault, made without one: what a checker must pass, and what is spoilt for it. */
export const soundHistory = (seed = 'sample', batches = 8): History => {
  const plan = planOf(seed, 1);
  const loads = Array.from({ length: 3 }, (_, lane) => new LaneLoad(plan, lane));
  const logs: Record<string, LogEvent[]> = {};
  const versions = new Map<string, number>();
  const attempts: Attempt[] = [];
  const store = (event: MadeEvent): Answer => {
    const log = logOf(event.type);
    const events = (logs[log] ??= []);
    versions.set(event.stream, (versions.get(event.stream) ?? 0) + 1);
    events.push({
      id: event.id, type: event.type, via: SOURCE, stream: event.stream, streamVersion: versions.get(event.stream)!, position: events.length + 1, epoch: EPOCH,
      leaf: createHash('sha256').update(event.id).digest('hex'), time: new Date(EPOCH * 1000 + events.length).toISOString(), data: asStored(event.data),
    });
    return { id: event.id, outcome: 'accepted', log, position: events.length, epoch: EPOCH };
  };
  for (let batch = 0; batch < batches; batch += 1) {
    const made = loads[batch % loads.length]!.batch(20);
    const events = made.map(({ id, stream, order, proof }) => ({ id, stream, order, proof }));
    const answers = made.map(store);
    attempts.push({ attempt: attempts.length + 1, purpose: 'first', events, answers });
    if (batch === 2) attempts.push({ attempt: attempts.length + 1, purpose: 'duplicate', events, answers: answers.map((answer) => ({ ...answer, outcome: 'duplicate' })) });
    if (batch === 4) attempts.push({ attempt: attempts.length + 1, purpose: 'conflict', events: events.map((event) => ({ ...event, proof: 'other' })), answers: events.map(({ id }) => ({ id, outcome: 'rejected', code: 'conflict' })) });
  }
  const folded = foldOf(interleaved(logs, seed));
  const counted = (outcome: Answer['outcome']): number => attempts.flatMap(({ answers }) => answers ?? []).filter((answer) => answer.outcome === outcome).length;
  return {
    tenant: plan.tenant, source: SOURCE, attempts, logs,
    bus: Object.fromEntries(Object.entries(logs).map(([log, events]) => [log, events.map(({ id, leaf, position }) => ({ id, leaf, recomputed: leaf, sequence: position }))])),
    lake: Object.fromEntries(Object.entries(logs).map(([log, events]) => [log, events.map(({ id, leaf, position }) => ({ id, leaf, position }))])),
    accounting: { received: counted('accepted') + counted('duplicate') + counted('rejected'), accepted: counted('accepted'), duplicate: counted('duplicate'), rejected: counted('rejected'), unanswered: 0 },
    ledger: { complete: true, findings: [], logs: Object.entries(logs).map(([log, { length }]) => ({ log, events: length, cosigned: length, findings: 0 })) },
    metrics: kinds(folded, ['orders', 'gross', 'clean', 'units', 'buyers', 'cancelled']),
    warehouse: kinds(folded, ['orders', 'gross', 'clean', 'units', 'buyers', 'cancelled', 'placed', 'country']),
  };
};
