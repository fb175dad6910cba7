import { dayFactor, meanMsBetween } from '../shop/day-pattern.ts';

/** A pause longer than this (a suspended laptop) is not made up for; a shorter one (a busy machine, slow stock) is. */
const LONGEST_STEP_MS = 10_000;
/** What sums of fractions are off by: 3,000 events are due at the end of a minute, not 2,999. */
const ROUNDING = 1e-6;

export interface Rate {
  /** The mean over the run, or over a day when it has no end. */
  readonly perSecond: number;
  /** How long the run is; for ever when absent. */
  readonly forMs?: number;
}

/** Says how many events are due: the rate in the shape of the day, fractions carried over. */
export class Pace {
  private readonly perMs: number;
  private readonly endsAt: number;
  private last: number;
  private owed = 0;

  constructor({ perSecond, forMs }: Rate, startedAt: Date) {
    this.last = startedAt.getTime();
    this.endsAt = this.last + (forMs ?? Infinity);
    this.perMs = (perSecond / 1000) * (forMs ? forMs / meanMsBetween(this.last, this.endsAt) : 1);
  }

  isOver(now: Date): boolean {
    return now.getTime() >= this.endsAt;
  }

  /** How many have become due since it was last asked: over a whole run, exactly its rate times its length. */
  due(now: Date): number {
    const to = Math.min(now.getTime(), this.endsAt);
    const from = Math.max(this.last, to - LONGEST_STEP_MS);
    this.last = now.getTime();
    if (to > from) this.owed += this.perMs * meanMsBetween(from, to);
    const whole = Math.floor(this.owed + ROUNDING);
    this.owed -= whole;
    return whole;
  }
}

/** What an operator may expect of this rate, in a line. */
export const rateText = ({ perSecond, forMs }: Rate, now: Date): string => (forMs === undefined
  ? `${perSecond} events/s as the mean of a day, ${(perSecond * dayFactor(now)).toFixed(1)} just now`
  : `${perSecond} events/s for ${forMs / 1000} s: ${Math.floor((perSecond * forMs) / 1000)} events after the opening`);
