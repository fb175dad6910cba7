import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, logName, type Epoch, type LogKey } from '@millrace/kernel';
import { appendBatch, besidesOf, type Landing } from './append-batch.ts';
import { NOTHING_KNOWN, planAppend, type AppendPlan, type Knowledge, type PlannedOutcome } from './append-plan.ts';
import type { Statements } from './database.ts';
import { leafOf } from './event-frame.ts';
import type { AppendOutcome } from './event-store.ts';
import { domainErrorOf, failureKind, RECEIPT_LOST, sqlStateOf, unavailable } from './failure.ts';
import { findEvents, findStreamEnds } from './find-events.ts';
import type { LogTail } from './log-tail.ts';
import type { PreparedUnit } from './prepared-unit.ts';

/** Per unit: the outcomes of its events, or why it could not be answered. */
export type UnitAnswer = AppendOutcome[] | DomainError;

export interface Appended {
  readonly answers: UnitAnswer[];
  /** The log's epoch, where the server said it. */
  readonly epoch?: Epoch;
  /** The batch held something known or a wrong version: the next one may too, so looking first saves a refused transaction. */
  readonly surprised: boolean;
}

/** Waits before asking again after a lost connection: a restart of Postgres takes about a second. */
const RETRY_DELAYS_MS = [20, 100, 400, 1000] as const;
/** Each surprise or collision means that another transaction won, so the next plan differs; this only bounds the absurd. */
const MAX_PLANS = 50;

const look = async (database: Statements, log: LogKey, units: readonly PreparedUnit[]): Promise<Knowledge> => {
  const [events, streams] = await Promise.all([
    findEvents(database, log.tenant, units.flatMap((unit) => unit.events.map((event) => event.id))),
    findStreamEnds(database, log.tenant, units.map((unit) => unit.stream)),
  ]);
  return { events, streams };
};

/** Names the first log: the event there keeps its place, and a stream can't live in two. */
const pinnedElsewhere = (log: LogKey): DomainError => new DomainError(
  'conflict', 'stream-in-other-log', { log: logName(log) }, `The stream lives in log ${logName(log)} since its first event; append to that log.`,
);

const outcomeOf = (planned: PlannedOutcome, log: LogKey, landing: Landing | undefined): AppendOutcome | DomainError => {
  switch (planned.kind) {
    case 'row': return { kind: 'appended', position: landing!.base + planned.row.place, streamVersion: (landing!.versions[planned.row.streamAt - 1] ?? 0) + planned.row.step };
    case 'same-as-row': return { kind: 'duplicate', log, position: landing!.base + planned.row.place };
    case 'conflict-with-row': return { kind: 'conflict', log, position: landing!.base + planned.row.place };
    case 'duplicate': return { kind: 'duplicate', log: planned.at.log, position: planned.at.position };
    case 'conflict': return { kind: 'conflict', log: planned.at.log, position: planned.at.position };
    case 'already': return { kind: 'appended', position: planned.at.position, streamVersion: planned.at.streamVersion };
    case 'pinned-elsewhere': return pinnedElsewhere(planned.log);
    default: return planned;
  }
};

const answersOf = (plan: AppendPlan, log: LogKey, landing: Landing | undefined): UnitAnswer[] => plan.outcomes.map((planned) => {
  const outcomes = planned.map((one) => outcomeOf(one, log, landing));
  return outcomes.find((one) => one instanceof DomainError) ?? outcomes.flatMap((one) => (one instanceof DomainError ? [] : one));
});

/** Where an attempt without an answer landed, if it did: its rows carry leaves nobody else could have made, and a transaction is whole. */
const landingOfLost = (plan: AppendPlan, knowledge: Knowledge): Omit<Landing, 'epoch'> | undefined => {
  const versions: number[] = [];
  let base: number | undefined;
  for (const { event, place, streamAt, step } of plan.rows) {
    const at = knowledge.events.get(event.id);
    if (at === undefined || Buffer.compare(at.leaf, leafOf(event.frame)) !== 0) return undefined;
    base = at.position - place;
    versions[streamAt - 1] = at.streamVersion - step;
  }
  return base === undefined ? undefined : { base, versions };
};

/** One batch on its way: plans, sends, and plans again with what it learnt. */
class Append {
  private readonly lost: AppendPlan[] = [];
  private knowledge: Knowledge = NOTHING_KNOWN;
  private surprised = false;
  private losses = 0;

  constructor(private readonly database: Statements, private readonly log: LogKey, private readonly tail: LogTail, private readonly epoch: Epoch | undefined, private readonly units: readonly PreparedUnit[]) {}

  async run(lookFirst: boolean): Promise<Appended> {
    let mustLook = lookFirst;
    for (let plans = 0; plans < MAX_PLANS; plans += 1) {
      if (mustLook && !await this.look()) continue;
      mustLook = false;
      const found = this.found();
      if (found !== undefined) return found;
      const plan = planAppend(this.log, this.units, this.knowledge);
      if (!plan.certain && this.knowledge.streams === undefined) { mustLook = true; continue; }
      try {
        const landing = await this.send(plan);
        return { answers: answersOf(plan, this.log, landing), epoch: landing?.epoch, surprised: this.surprised || this.knowledge.events.size > 0 };
      } catch (error) {
        await this.learn(error, plan);
        mustLook = failureKind(error) !== 'moved';
      }
    }
    throw unavailable({ reason: 'contended' });
  }

  private async send(plan: AppendPlan): Promise<Landing | undefined> {
    const besides = besidesOf(this.log, this.units, plan);
    if (plan.rows.length === 0 && besides.counts.length === 0 && besides.rejects.length === 0) return undefined;
    const claim = this.tail.claim(plan.rows.length);
    try {
      const landing = await appendBatch(this.database, this.log, { epoch: this.epoch, after: claim.after, receipt: this.units[0]?.receipt }, plan, besides);
      this.tail.landed(claim, landing.base);
      return landing;
    } catch (error) {
      this.tail.failed(claim, failureKind(error) === 'moved');
      throw error;
    }
  }

  /** After an attempt without an answer: did it commit after all? */
  private found(): Appended | undefined {
    for (const plan of this.lost) {
      const landing = landingOfLost(plan, this.knowledge);
      if (landing !== undefined) return { answers: answersOf(plan, this.log, { ...landing, epoch: this.epoch ?? 0 }), surprised: true };
    }
    return undefined;
  }

  private async look(): Promise<boolean> {
    try {
      this.knowledge = await look(this.database, this.log, this.units);
      return true;
    } catch (error) {
      if (failureKind(error) !== 'lost') throw error;
      await this.pause(error);
      return false;
    }
  }

  private async learn(error: unknown, plan: AppendPlan): Promise<void> {
    const kind = failureKind(error);
    if (kind === 'refused') throw error;
    if (kind === 'surprised') this.surprised = true;
    if (kind !== 'lost') return;
    // Counters alone leave no trace to look up: counting them twice would be a lie, so the caller sends again.
    if (plan.rows.length === 0) throw error;
    this.lost.push(plan);
    await this.pause(error);
  }

  private async pause(error: unknown): Promise<void> {
    const wait = RETRY_DELAYS_MS[this.losses];
    if (wait === undefined) throw error;
    this.losses += 1;
    await delay(wait);
  }
}

/**
 * Appends a batch in one transaction and answers per unit. First in the belief that all ids are new and all expected versions right; when
 * the server finds otherwise it refuses the whole, and the batch is looked up, planned again without what is known, and sent again. An
 * attempt whose answer was lost is found by its leaves or answered `event-store-unavailable`, never taken for committed. All units share
 * one receipt or have none. Does not throw.
 */
export const append = async (database: Statements, log: LogKey, tail: LogTail, epoch: Epoch | undefined, units: readonly PreparedUnit[], lookFirst: boolean): Promise<Appended> => {
  try {
    return await new Append(database, log, tail, epoch, units).run(lookFirst);
  } catch (error) {
    const failure = domainErrorOf(error);
    // Whatever the server refused in one unit must not fail its neighbours.
    const sameForAll = failureKind(error) === 'lost' || sqlStateOf(error) === RECEIPT_LOST || failure.code !== 'event-store-unavailable' || units.length === 1;
    if (sameForAll) return { answers: units.map(() => failure), surprised: true };
    const half = Math.ceil(units.length / 2);
    const first = await append(database, log, tail, epoch, units.slice(0, half), true);
    const second = await appendBehind(database, log, tail, epoch, units.slice(half), refusedStreams(units, first.answers));
    return { answers: [...first.answers, ...second.answers], epoch: second.epoch ?? first.epoch, surprised: true };
  }
};

/** Streams of units that may be sent again, with what each was told: nothing of them may be stored before that. */
export const refusedStreams = (units: readonly PreparedUnit[], answers: readonly UnitAnswer[]): Map<string, DomainError> =>
  new Map(units.flatMap((unit, index) => {
    const answer = answers[index];
    return answer instanceof DomainError && answer.kind === 'unavailable' ? [[unit.stream, answer] as const] : [];
  }));

/** Appends what follows refused units: a stream's later unit must not overtake the one that its caller will send again. */
const appendBehind = async (database: Statements, log: LogKey, tail: LogTail, epoch: Epoch | undefined, units: readonly PreparedUnit[], refused: ReadonlyMap<string, DomainError>): Promise<Appended> => {
  const free = units.filter((unit) => !refused.has(unit.stream));
  const appended: Appended = free.length === 0 ? { answers: [], surprised: true } : await append(database, log, tail, epoch, free, true);
  let next = 0;
  return { ...appended, answers: units.map((unit) => refused.get(unit.stream) ?? appended.answers[next++]!) };
};
