// Two, since an event's own time and its request's time of receipt are written in turns: one alone would be forgotten before each use.
let last = { ms: Number.NaN, text: '' };
let beforeLast = last;

/** Milliseconds since 1970 as ISO 8601 in UTC, the two times asked for last from memory: a request's events share their time of receipt, an event writes its own twice. */
export const iso = (ms: number): string => {
  if (ms === last.ms) return last.text;
  [last, beforeLast] = ms === beforeLast.ms ? [beforeLast, last] : [{ ms, text: new Date(ms).toISOString() }, last];
  return last.text;
};
