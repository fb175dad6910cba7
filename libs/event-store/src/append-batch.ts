import { createHash } from 'node:crypto';
import type { Epoch, LogKey, Position } from '@millrace/kernel';
import type { AppendPlan, PlannedOutcome, PlannedRow } from './append-plan.ts';
import type { Statements } from './database.ts';
import { dataOf, fingerprintOf, lengthOf } from './event-frame.ts';
import type { PreparedEvent, PreparedUnit } from './prepared-unit.ts';
import { rejectRow, type RejectRow } from './reject-row.ts';

/** Where the batch landed: positions and stream versions count on from these. */
export interface Landing {
  readonly epoch: Epoch;
  readonly base: Position;
  readonly versions: readonly number[];
}

const COUNTED_AS: Partial<Record<PlannedOutcome['kind'], string>> = {
  'row': 'accepted', 'same-as-row': 'duplicate', 'duplicate': 'duplicate', 'conflict-with-row': 'rejected', 'conflict': 'rejected',
};

const each = function* (units: readonly PreparedUnit[], plan: AppendPlan): Generator<[PreparedUnit, PreparedEvent, PlannedOutcome]> {
  for (const [u, unit] of units.entries()) for (const [e, event] of unit.events.entries()) yield [unit, event, plan.outcomes[u]![e]!];
};

const countsOf = (units: readonly PreparedUnit[], plan: AppendPlan): { source: string; outcome: string; n: number }[] => {
  const counts = new Map<string, { source: string; outcome: string; n: number }>();
  for (const [unit, event, planned] of each(units, plan)) {
    const outcome = COUNTED_AS[planned.kind];
    if (!unit.counted || outcome === undefined) continue;
    const key = `${outcome} ${event.via}`;
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, { source: event.via, outcome, n: 1 });
    else entry.n += 1;
  }
  return [...counts.values()];
};

/** The same body under the same id is kept once, however often it is sent. */
const conflictsOf = (log: LogKey, units: readonly PreparedUnit[], plan: AppendPlan): RejectRow[] => {
  const rows: RejectRow[] = [];
  for (const [, event, planned] of each(units, plan)) {
    if (planned.kind !== 'conflict' && planned.kind !== 'conflict-with-row') continue;
    const digest = createHash('sha256').update(event.id).update('\0').update(fingerprintOf(event.frame)).digest('hex').slice(0, 32);
    rows.push(rejectRow({
      tenant: log.tenant, via: event.via, rejectId: `conflict-${digest}`, eventId: event.id, type: event.type, version: event.version, pointer: '/id', code: 'id-conflict',
      reason: 'The id is known with another body; the first stays.', receivedAt: event.receivedtime, body: dataOf(event.frame),
    }, true));
  }
  return rows;
};

/** Postgres' text form of an array of numbers; the driver's own writer escapes every element. */
const numbers = (values: readonly number[]): string => `{${values.join(',')}}`;
const texts = (values: readonly string[]): string => `{${values.map((value) => `"${/["\\]/.test(value) ? value.replaceAll(/["\\]/g, String.raw`\$&`) : value}"`).join(',')}}`;

const byId = (a: { event: PreparedEvent }, b: { event: PreparedEvent }): number => (a.event.id < b.event.id ? -1 : 1);

const APPEND = 'SELECT epoch, base, versions FROM millrace.append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19)';

/** The rows' frames in one buffer, and where each starts (from 1), by place. Frames of one call lie side by side already; runs of them are taken whole. */
const pack = (rows: readonly PlannedRow[]): { packed: Buffer; startOf: readonly number[] } => {
  const startOf: number[] = [];
  const runs: { slab: Buffer; from: number; to: number }[] = [];
  let end = 1;
  for (const { event: { frame } } of rows) {
    const length = lengthOf(frame);
    startOf.push(end);
    end += length;
    const run = runs.at(-1);
    if (run !== undefined && run.slab === frame.slab && run.to === frame.offset) run.to += length;
    else runs.push({ slab: frame.slab, from: frame.offset, to: frame.offset + length });
  }
  const parts = runs.map(({ slab, from, to }) => slab.subarray(from, to));
  return { packed: parts.length === 1 ? parts[0]! : Buffer.concat(parts), startOf };
};

/**
 * Writes a planned batch in one transaction: rows, counters and conflicts, fsynced when this returns. One function call with the
 * bytes of all events packed into one parameter. All or nothing; errors are the driver's own. Undefined: there was nothing to write.
 */
export const appendBatch = async (database: Statements, log: LogKey, epoch: Epoch | undefined, units: readonly PreparedUnit[], plan: AppendPlan): Promise<Landing | undefined> => {
  const counts = countsOf(units, plan);
  const rejects = conflictsOf(log, units, plan);
  if (plan.rows.length === 0 && counts.length === 0 && rejects.length === 0) return undefined;
  const { packed, startOf } = pack(plan.rows);
  const rows = plan.rows.toSorted(byId);
  const values = [
    log.tenant, log.context, log.shard, epoch ?? null, texts(plan.streams), numbers(plan.expected),
    texts(rows.map((row) => row.event.id)), texts(rows.map((row) => plan.streams[row.streamAt - 1]!)), numbers(rows.map((row) => row.place)), numbers(rows.map((row) => row.streamAt)), numbers(rows.map((row) => row.step)),
    numbers(rows.map((row) => startOf[row.place - 1]!)), numbers(rows.map((row) => row.event.frame.envelopeLength)), numbers(rows.map((row) => row.event.frame.dataLength)), packed,
    texts(counts.map((count) => count.source)), texts(counts.map((count) => count.outcome)), numbers(counts.map((count) => count.n)),
    rejects.length === 0 ? null : JSON.stringify(rejects),
  ];
  const [answer] = await database.run<{ epoch: string; base: string; versions: string[] | null }>({ name: 'append-events', text: APPEND, values });
  return { epoch: Number(answer!.epoch), base: Number(answer!.base), versions: (answer!.versions ?? []).map(Number) };
};
