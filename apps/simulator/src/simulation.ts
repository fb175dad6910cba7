import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '@millrace/kernel';
import type { ReservationOutcome, ReservationWish } from './shop/act.ts';
import { seededRandom } from './shop/random.ts';
import { Shop } from './shop/shop.ts';
import type { EventOutcome } from './traffic/intake-client.ts';
import { openingEvents, Traffic, type OutgoingEvent, type RunName } from './traffic/outgoing.ts';
import { Pace, type Rate } from './traffic/pace.ts';

export type SimulationOptions = RunName & Rate;

export interface Surroundings {
  readonly clock: Clock;
  send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly EventOutcome[]>;
  reserve(wish: ReservationWish): Promise<ReservationOutcome>;
  /** Told before events are sent. */
  willSend(events: readonly OutgoingEvent[]): void;
  answered(outcomes: readonly EventOutcome[]): void;
}

export interface SimulationReport {
  readonly sent: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly orders: number;
  readonly reserved: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Events that were due while too much waited for the intake, and were never told. */
  readonly skipped: number;
}

const TICK_MS = 50;
const BATCH = 200;
/** The shop waits when so much is unsent: memory stays bounded while the intake is away. */
const MOST_WAITING = 4000;

/** Runs the shop against its surroundings at its pace, until its time is over or it is stopped. */
export class Simulation {
  private readonly options: SimulationOptions;
  private readonly around: Surroundings;
  private readonly shop: Shop;
  private readonly traffic: Traffic;
  private readonly outbox: OutgoingEvent[] = [];
  private readonly asked = new Set<Promise<ReservationOutcome>>();
  private readonly counts = { sent: 0, accepted: 0, duplicate: 0, rejected: 0, orders: 0, reserved: 0, refused: 0, unanswered: 0, skipped: 0 };
  private finished = false;
  /** Events told beyond what was due: a fact and its duplicate aren't parted. */
  private ahead = 0;

  constructor(options: SimulationOptions, around: Surroundings) {
    this.options = options;
    this.around = around;
    const random = seededRandom(options.seed);
    this.shop = new Shop(random, around.clock, options.run);
    this.traffic = new Traffic(random, options, () => around.clock.now());
  }

  /** `stop` ends the shop; what waits is still sent. `giveUp` ends the sending as well. */
  async run(stop: AbortSignal, giveUp: AbortSignal): Promise<SimulationReport> {
    await this.open(giveUp);
    const sending = this.sendAll(giveUp);
    sending.catch(() => { this.finished = true; });
    try {
      await this.act(AbortSignal.any([stop, giveUp]));
      await Promise.all(this.asked);
    } finally {
      this.finished = true;
    }
    await sending;
    return { ...this.counts };
  }

  /** Stock is stored before the first order asks for it, or it would find empty shelves. */
  private async open(giveUp: AbortSignal): Promise<void> {
    const events = openingEvents(this.options, this.shop.openingFacts());
    for (let from = 0; from < events.length; from += BATCH) await this.sendBatch(events.slice(from, from + BATCH), giveUp);
  }

  private async act(stop: AbortSignal): Promise<void> {
    const { clock } = this.around;
    const pace = new Pace(this.options, clock.now());
    for (let over = false; !over && !stop.aborted && !this.finished;) {
      await pause(TICK_MS, undefined, { signal: stop }).catch(() => undefined);
      const now = clock.now();
      over = pace.isOver(now);
      await this.tell(pace.due(now), stop);
    }
  }

  /** What is due while too much waits is let go, and counted. */
  private async tell(due: number, stop: AbortSignal): Promise<void> {
    let left = due - this.ahead;
    while (left > 0 && this.outbox.length < MOST_WAITING && !stop.aborted) {
      const next = await this.shop.next();
      if (next.kind === 'reserve') {
        next.answer(this.ask(next.wish));
        continue;
      }
      const events = this.traffic.of(next.fact);
      if (next.fact.type === 'sales.order.placed') this.counts.orders += 1;
      this.outbox.push(...events);
      left -= events.length;
    }
    if (left > 0 && !stop.aborted) this.counts.skipped += left;
    this.ahead = Math.max(0, -left);
  }

  private ask(wish: ReservationWish): Promise<ReservationOutcome> {
    const asking = this.around.reserve(wish).then((outcome) => {
      this.counts[outcome] += 1;
      return outcome;
    }).finally(() => this.asked.delete(asking));
    this.asked.add(asking);
    return asking;
  }

  private async sendAll(giveUp: AbortSignal): Promise<void> {
    while (!this.finished || this.outbox.length > 0) {
      const batch = this.outbox.splice(0, BATCH);
      if (batch.length === 0) await pause(TICK_MS);
      else await this.sendBatch(batch, giveUp);
    }
  }

  private async sendBatch(batch: readonly OutgoingEvent[], giveUp: AbortSignal): Promise<void> {
    this.around.willSend(batch);
    const outcomes = await this.around.send(batch, giveUp);
    this.around.answered(outcomes);
    this.counts.sent += batch.length;
    for (const { outcome } of outcomes) this.counts[outcome] += 1;
  }
}
