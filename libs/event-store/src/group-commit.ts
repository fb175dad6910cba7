import { DomainError, parseLogName, type Epoch, type LogKey, type Tenant } from '@millrace/kernel';
import { refusedStreams, type Appended, type UnitAnswer } from './append.ts';
import type { AppendOutcome } from './event-store.ts';
import type { PreparedUnit } from './prepared-unit.ts';

export interface GroupCommitLimits {
  /** Events and bytes of one transaction: large enough to spread the fsync, small enough to keep its neighbours' wait short. */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** Events and bytes a store holds for all its logs before it refuses more. */
  readonly queueEvents: number;
  readonly queueBytes: number;
  /**
   * Events that must wait before a second transaction of the same log is started beside a running one. Measured with 64 callers on two cores:
   * 16 gave 1.5 times the rate of 64, where process and server took turns; 8 and third and fourth transactions gave no more.
   */
  readonly overlapEvents: number;
}

export const DEFAULT_LIMITS: GroupCommitLimits = { batchEvents: 1024, batchBytes: 4 * 1024 * 1024, queueEvents: 50_000, queueBytes: 256 * 1024 * 1024, overlapEvents: 16 };

/** The second of two overlapping transactions waits for the head with all its work done; a third would only hold memory. */
const MAX_IN_FLIGHT = 2;
/** Events that make a second transaction worth it when a busy stream ends it early; fewer go into the next one with what they wait for. */
const WORTH_OVERLAPPING = 256;
/** Batches that look before they append after one that met known ids. */
const WARY_BATCHES = 8;

/** What all logs of a store hold together. */
export class QueueBudget {
  events = 0;
  bytes = 0;
  private readonly idle: (() => void)[] = [];

  constructor(private readonly limits: GroupCommitLimits) {}

  take(events: number, bytes: number): void {
    if (this.events + events > this.limits.queueEvents || this.bytes + bytes > this.limits.queueBytes) {
      throw new DomainError('unavailable', 'append-queue-full', { queuedEvents: this.events, events }, 'More events wait to be appended than may; nothing of this call was taken. Send it again after a moment, or in smaller parts.');
    }
    this.events += events;
    this.bytes += bytes;
  }

  give(events: number, bytes: number): void {
    this.events -= events;
    this.bytes -= bytes;
    if (this.events > 0) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    return this.events === 0 ? Promise.resolve() : new Promise((resolve) => { this.idle.push(resolve); });
  }
}

/** A unit on its way into a log. The budget was taken for it, and is given back by whoever made it. */
export interface Waiting {
  readonly unit: PreparedUnit;
  /** At the first unit of a call: events of the whole call. */
  readonly callEvents?: number;
  readonly epoch: Epoch | undefined;
  /** Told once, with the log that answered. */
  readonly done: (answer: UnitAnswer, log: LogKey) => void;
  /** Goes on to the log its stream lives in; without it the caller named the log and is told `stream-in-other-log`. */
  readonly follows?: boolean;
}

/** Takes units of one stream, in order, that found it living in another log. */
export type HandOver = (stream: string, to: LogKey, units: readonly Waiting[]) => void;

type Send = (epoch: Epoch | undefined, units: readonly PreparedUnit[], lookFirst: boolean) => Promise<Appended>;

interface Moving {
  readonly to: LogKey;
  readonly units: Waiting[];
}

const addTo = (moving: Map<string, Moving>, waiting: Waiting, to: LogKey): void => {
  const found = moving.get(waiting.unit.stream);
  if (found === undefined) moving.set(waiting.unit.stream, { to, units: [waiting] });
  else found.units.push(waiting);
};

const homeNamedBy = (answer: DomainError, tenant: Tenant): LogKey | undefined =>
  (answer.code === 'stream-in-other-log' ? parseLogName(tenant, String(answer.details['log'])) : undefined);

/**
 * Coalesces the appends of one log into transactions. While one commits, the next is gathered and, when enough waits, already sent.
 * Units of one stream keep their order: a stream in an unanswered batch holds back its later units.
 */
export class GroupCommit {
  private readonly queue: Waiting[] = [];
  private readonly busyStreams = new Set<string>();
  private inFlight = 0;
  private wary = 0;
  private scheduled = false;
  /** Learnt from the first answer, so that a process frozen through a recovery can't append what it queued before. */
  private epoch: Epoch | undefined;

  constructor(private readonly log: LogKey, private readonly limits: GroupCommitLimits, private readonly budget: QueueBudget, private readonly send: Send, private readonly handOver?: HandOver) {}

  /** Outcomes of all events in order, once every unit is answered. Rejects with the first unit's error, after all were answered. */
  append(units: readonly PreparedUnit[], epoch: Epoch | undefined): Promise<AppendOutcome[]> {
    if (units.length === 0) return Promise.resolve([]);
    const events = units.reduce((sum, unit) => sum + unit.events.length, 0);
    const bytes = units.reduce((sum, unit) => sum + unit.bytes, 0);
    this.budget.take(events, bytes);
    return new Promise((resolve, reject) => {
      const answers: UnitAnswer[] = [];
      let left = units.length;
      for (const [index, unit] of units.entries()) {
        this.queue.push({ unit, epoch, ...(index === 0 ? { callEvents: events } : {}), done: (answer) => {
          answers[index] = answer;
          left -= 1;
          if (left > 0) return;
          this.budget.give(events, bytes);
          const failed = answers.find((one) => one instanceof DomainError);
          if (failed === undefined) resolve(answers.flatMap((one) => (one instanceof DomainError ? [] : one)));
          else reject(failed);
        } });
      }
      this.schedule();
    });
  }

  /** Queues units whose budget was taken, behind what waits already. */
  take(units: readonly Waiting[]): void {
    this.queue.push(...units);
    this.schedule();
  }

  /** Callers woken by one commit append again in the same turn: waiting for its end puts them into one batch. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.inFlight < MAX_IN_FLIGHT && this.queue.length > 0) {
      if (this.inFlight > 0 && this.queue.length < this.limits.overlapEvents) return;
      const batch = this.next();
      if (batch.length === 0) return;
      this.inFlight += 1;
      void this.commit(batch);
    }
  }

  private next(): Waiting[] {
    const { batchEvents, batchBytes, overlapEvents } = this.limits;
    const first = this.queue[0]!;
    // Nothing runs: half goes now and half right behind it, so that one is prepared while the other commits; but a call that fits goes whole.
    const half = Math.max(Math.ceil(this.queue.length / 2), first.callEvents ?? 0);
    const most = this.inFlight === 0 && this.queue.length >= 2 * overlapEvents ? Math.min(batchEvents, half) : batchEvents;
    let events = 0;
    let bytes = 0;
    let count = 0;
    let held = false;
    for (const { unit, epoch, callEvents } of this.queue) {
      // A call that would be cut in two waits for the next batch whole: its frames then go out without a copy.
      const full = events + unit.events.length > most || bytes + unit.bytes > batchBytes || (callEvents !== undefined && callEvents <= batchEvents && events + callEvents > most);
      held = this.busyStreams.has(unit.stream);
      if ((count > 0 && full) || held || epoch !== first.epoch || unit.receipt?.run !== first.unit.receipt?.run) break;
      events += unit.events.length;
      bytes += unit.bytes;
      count += 1;
    }
    // Streams that everybody writes to would cut the queue into transactions of a few events, each as dear as a hundred rows.
    if (held && events < WORTH_OVERLAPPING) return [];
    return this.queue.splice(0, count);
  }

  private async commit(batch: readonly Waiting[]): Promise<void> {
    for (const { unit } of batch) this.busyStreams.add(unit.stream);
    const lookFirst = this.wary > 0;
    if (lookFirst) this.wary -= 1;
    const epoch = batch[0]!.epoch ?? this.epoch;
    const appended = await this.send(epoch, batch.map((waiting) => waiting.unit), lookFirst);
    this.inFlight -= 1;
    for (const { unit } of batch) this.busyStreams.delete(unit.stream);
    if (appended.surprised) this.wary = WARY_BATCHES;
    this.epoch = appended.epoch ?? this.epoch;
    const moving = new Map<string, Moving>();
    for (const [index, waiting] of batch.entries()) {
      const answer = appended.answers[index]!;
      const to = waiting.follows === true && answer instanceof DomainError ? homeNamedBy(answer, this.log.tenant) : undefined;
      if (to === undefined) waiting.done(answer, this.log);
      else addTo(moving, waiting, to);
    }
    if (moving.size > 0) this.letGo(moving);
    this.refuseBehind(refusedStreams(batch.map((waiting) => waiting.unit), appended.answers));
    this.refuseStale(appended);
    this.schedule();
  }

  /** What waits of a moving stream goes with it, behind what was just answered: the order of calls stays the stream's. */
  private letGo(moving: Map<string, Moving>): void {
    const stay: Waiting[] = [];
    for (const waiting of this.queue) {
      const found = waiting.follows === true ? moving.get(waiting.unit.stream) : undefined;
      if (found === undefined) stay.push(waiting);
      else found.units.push(waiting);
    }
    this.queue.splice(0, this.queue.length, ...stay);
    for (const [stream, { to, units }] of moving) this.handOver?.(stream, to, units);
  }

  /** What waits behind a unit that was refused for now is refused with it: stored, it would stand before what its caller sends again. */
  private refuseBehind(refused: ReadonlyMap<string, DomainError>): void {
    if (refused.size === 0) return;
    const behind = this.queue.filter((waiting) => refused.has(waiting.unit.stream));
    this.queue.splice(0, this.queue.length, ...this.queue.filter((waiting) => !refused.has(waiting.unit.stream)));
    for (const waiting of behind) waiting.done(refused.get(waiting.unit.stream)!, this.log);
  }

  /** What waited through a renewal was decided before it: it is refused too, unless it names its epoch. Later calls learn the new one. */
  private refuseStale(appended: Appended): void {
    const renewed = appended.answers.find((answer) => answer instanceof DomainError && answer.code === 'epoch-renewed');
    if (renewed === undefined) return;
    this.epoch = undefined;
    const stale = this.queue.filter((waiting) => waiting.epoch === undefined);
    this.queue.splice(0, this.queue.length, ...this.queue.filter((waiting) => waiting.epoch !== undefined));
    for (const waiting of stale) waiting.done(renewed, this.log);
  }
}
