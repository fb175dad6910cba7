import type { Random } from './random.ts';

/** Small, but seen within minutes at 50 events a second. */
export const LATE_SHARE = 0.01;
const MOST_HOURS = 72;
const HOUR_MS = 3_600_000;

/** How long ago it happened what is told now, in milliseconds: mostly 0, now and then the hours that a device was offline. */
export const latenessMs = (random: Random): number => (random.chance(LATE_SHARE) ? random.integer(1, MOST_HOURS) * HOUR_MS : 0);
