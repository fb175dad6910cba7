import { createHash } from 'node:crypto';
import type { Epoch, LogKey, Position } from '@millrace/kernel';
import { bigints, integers, texts } from './binary-array.ts';
import type { AppendPlan, PlannedOutcome, PlannedRow } from './append-plan.ts';
import type { Statements } from './database.ts';
import type { Receipt } from './event-store.ts';
import { dataOf, fingerprintOf, lengthOf } from './event-frame.ts';
import type { PreparedEvent, PreparedUnit } from './prepared-unit.ts';
import { rejectRow, type RejectRow } from './reject-row.ts';

/** Where the batch landed: positions and stream versions count on from these. */
export interface Landing {
  readonly epoch: Epoch;
  readonly base: Position;
  /** By stream of the plan; absent where every row begins a stream: 0 then. */
  readonly versions: readonly number[];
}

/** What is written with the rows of a plan: counter deltas and conflicts. */
export interface Besides {
  readonly counts: readonly { source: string; outcome: string; n: number }[];
  readonly rejects: readonly RejectRow[];
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

const byId = (a: PlannedRow, b: PlannedRow): number => (a.event.id < b.event.id ? -1 : 1);

/** Ids that grow with time, as UUIDv7, come in order. */
const sortedById = (rows: readonly PlannedRow[]): readonly PlannedRow[] => {
  for (let n = 1; n < rows.length; n += 1) if (rows[n]!.event.id <= rows[n - 1]!.event.id) return rows.toSorted(byId);
  return rows;
};

/** Every row begins a stream of its own: the server need not look a stream up. */
const isFresh = (plan: AppendPlan): boolean => plan.rows.length === plan.streams.length && plan.expected.every((version) => version === 0);

const APPEND = 'SELECT epoch, base, versions FROM millrace.append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)';
const APPEND_RECEIVED = `${APPEND} WHERE millrace.receipts_stand($21)`;

export const besidesOf = (log: LogKey, units: readonly PreparedUnit[], plan: AppendPlan): Besides => ({ counts: countsOf(units, plan), rejects: conflictsOf(log, units, plan) });

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

/** Streams with their expected versions, and per row: where it goes. */
const placing = (plan: AppendPlan, rows: readonly PlannedRow[]): (Buffer | null)[] => {
  const fresh = isFresh(plan);
  return [
    fresh ? null : texts(plan.streams, (stream) => stream), fresh ? null : bigints(plan.expected, (version) => version),
    texts(rows, (row) => row.event.id), texts(rows, (row) => plan.streams[row.streamAt - 1]!), integers(rows, (row) => row.place),
    fresh ? null : integers(rows, (row) => row.streamAt), fresh ? null : integers(rows, (row) => row.step),
  ];
};

/**
 * Writes a planned batch in one transaction: rows, counters and conflicts, fsynced when this returns. One function call with the
 * bytes of all events packed into one parameter. `after`: the position it follows, undefined: the log's end once its head is locked.
 * `receipt`: the one all its units were counted under, if any.
 * All or nothing; errors are the driver's own. Undefined: there was nothing to write.
 */
export const appendBatch = async (database: Statements, log: LogKey, place: { epoch: Epoch | undefined; after: Position | undefined; receipt?: Receipt }, plan: AppendPlan, besides: Besides): Promise<Landing> => {
  const { counts, rejects } = besides;
  const { packed, startOf } = pack(plan.rows);
  const rows = sortedById(plan.rows);
  const values = [
    log.tenant, log.context, log.shard, place.epoch ?? null, place.after ?? null, ...placing(plan, rows),
    integers(rows, (row) => startOf[row.place - 1]!), integers(rows, (row) => row.event.frame.envelopeLength), integers(rows, (row) => row.event.frame.dataLength), packed,
    texts(counts, (count) => count.source), texts(counts, (count) => count.outcome), bigints(counts, (count) => count.n),
    rejects.length === 0 ? null : JSON.stringify(rejects),
  ];
  const query = place.receipt === undefined ? { name: 'append-events', text: APPEND, values } : { name: 'append-received', text: APPEND_RECEIVED, values: [...values, place.receipt.run] };
  const [answer] = await database.run<{ epoch: string; base: string; versions: string[] | null }>(query);
  return { epoch: Number(answer!.epoch), base: Number(answer!.base), versions: (answer!.versions ?? []).map(Number) };
};
