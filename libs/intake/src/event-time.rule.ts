import { accept, reject, type Checked } from './rejection.ts';

/** Which times a source may bring. */
export interface TimeLimits {
  /** Milliseconds since 1970; events before it are refused. */
  readonly earliestMs: number;
  /** How far after its receipt an event may lie, once corrected. */
  readonly latestAheadMs: number;
}

/** 400 days: a year's comparison and a month of delay. Imports of history state an `earliest` of their own. */
export const DEFAULT_EARLIEST_MS_BACK = 400 * 86_400_000;
/** 5 minutes: what unsynchronised but honest clocks are off by. */
export const DEFAULT_LATEST_AHEAD_MS = 5 * 60_000;
/** A minute between sent and received is transport and queueing; beyond it the producer's clock is wrong and its times are shifted. */
export const SKEW_BOUND_MS = 60_000;

export interface EventTime {
  /** Milliseconds since 1970: when it happened, by our clock. */
  readonly derivedMs: number;
  /** The producer's own time in milliseconds; undefined when it sent none. */
  readonly producerMs: number | undefined;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970 of an RFC 3339 time (finer digits cut off); undefined when it isn't one. */
export const parseTime = (text: string): number | undefined => {
  if (!RFC3339.test(text)) return undefined;
  const ms = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(ms) ? undefined : ms;
};

/**
 * The time an event is kept under. With `sentTime`, a producer whose clock is off by more than SKEW_BOUND_MS has its time shifted by
 * the difference between receipt and sending; without `time` the receipt counts. Limits apply to the result (`time-too-early`,
 * `time-in-future`); an unreadable time is `time-malformed`.
 */
export const deriveEventTime = (sent: { readonly time?: string; readonly sentTime?: string }, receivedMs: number, limits: TimeLimits): Checked<EventTime> => {
  const producerMs = sent.time === undefined ? undefined : parseTime(sent.time);
  if (sent.time !== undefined && producerMs === undefined) return reject('/time', 'time-malformed', 'A time is RFC 3339 with seconds and an offset, as in 2026-03-01T12:00:00Z.');
  const sentMs = sent.sentTime === undefined ? undefined : parseTime(sent.sentTime);
  if (sent.sentTime !== undefined && sentMs === undefined) return reject('/senttime', 'time-malformed', 'A time is RFC 3339 with seconds and an offset, as in 2026-03-01T12:00:00Z.');
  const skewMs = sentMs === undefined ? 0 : receivedMs - sentMs;
  const derivedMs = producerMs === undefined ? receivedMs : Math.abs(skewMs) > SKEW_BOUND_MS ? producerMs + skewMs : producerMs;
  if (derivedMs < limits.earliestMs) {
    return reject('/time', 'time-too-early', `This source takes events from ${new Date(limits.earliestMs).toISOString()} on; import older ones with a source that has an earlier limit.`);
  }
  if (derivedMs > receivedMs + limits.latestAheadMs) {
    return reject('/time', 'time-in-future', `The event lies more than ${limits.latestAheadMs} ms after its receipt; set the clock, or send senttime so that it can be corrected.`);
  }
  return accept({ derivedMs, producerMs });
};
