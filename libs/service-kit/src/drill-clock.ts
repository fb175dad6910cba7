import { systemClock, type Clock } from '@millrace/kernel';
import { z } from 'zod';

const MOST_MS = 7 * 24 * 3600 * 1000;
const DRILL = /^drill:(-?\d{1,9})$/;

/**
 * `drill:<ms>`: how far a service's clock is moved, forward or (negative) back, by a week at most. The word is part of the value, so that
 * no leftover number from elsewhere moves the clock of a platform that is not being drilled.
 */
export const clockOffset: z.ZodType<number | undefined> = z.string().optional().transform((text, context) => {
  if (text === undefined) return undefined;
  const offsetMs = Number(DRILL.exec(text)?.[1] ?? Number.NaN);
  if (Math.abs(offsetMs) <= MOST_MS) return offsetMs;
  context.issues.push({ code: 'custom', message: `expected drill:<milliseconds>, ${MOST_MS} at most either way; leave it unset outside a fault drill`, input: '' });
  return undefined;
});

/** The clock of a service: the machine's, or in a drill that clock moved by the config's offset. */
export const clockOf = ({ clockOffsetMs }: { readonly clockOffsetMs?: number | undefined }): Clock =>
  (clockOffsetMs === undefined ? systemClock : { now: () => new Date(systemClock.now().getTime() + clockOffsetMs) });
