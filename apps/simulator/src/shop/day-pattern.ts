/** Busiest in the evening (UTC), quietest before dawn; the mean over a day is 1. */
const BUSIEST_HOUR = 19;
const SWING = 0.5;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const angle = (ms: number): number => (2 * Math.PI * ((ms - BUSIEST_HOUR * HOUR_MS) % DAY_MS)) / DAY_MS;

export const dayFactor = (at: Date): number => 1 + SWING * Math.cos(angle(at.getTime()));

/** How many milliseconds of a mean hour the time between two moments (ms since 1970) is worth: the factor's integral. */
export const meanMsBetween = (from: number, to: number): number =>
  to - from + ((SWING * DAY_MS) / (2 * Math.PI)) * (Math.sin(angle(to)) - Math.sin(angle(from)));
