import { dayFactor } from '../shop/day-pattern.ts';

/** A pause longer than this (a suspended laptop) is not made up for. */
const LONGEST_STEP_MS = 1000;

/** Says how many events are due: rate times the day's factor times the time gone by, fractions carried over. */
export class Pace {
  private readonly perSecond: number;
  private last: number;
  private owed = 0;

  constructor(perSecond: number, startedAt: Date) {
    this.perSecond = perSecond;
    this.last = startedAt.getTime();
  }

  due(now: Date): number {
    const elapsedMs = Math.min(Math.max(now.getTime() - this.last, 0), LONGEST_STEP_MS);
    this.last = now.getTime();
    this.owed += (this.perSecond * dayFactor(now) * elapsedMs) / 1000;
    const whole = Math.floor(this.owed);
    this.owed -= whole;
    return whole;
  }
}
