import { Format, SingleBar, type Options } from 'cli-progress';

/** Where no screen redraws, a line every five seconds is enough for a log. */
const PLAIN_INTERVAL_MS = 5000;

/** Until two updates have come, the library tells a time left that is no number. */
export const timeLeft = (seconds: number, options: Options, roundToMultipleOf: number): string => (Number.isFinite(seconds) ? Format.TimeFormat(seconds, options, roundToMultipleOf) : '?');

/** A bar as all commands show it, on standard error. The time left is told from the last `etaBuffer` updates. */
export const progressBar = (stream: NodeJS.WritableStream, format: string, etaBuffer = 200): SingleBar =>
  new SingleBar({ stream, format, etaBuffer, hideCursor: true, noTTYOutput: true, notTTYSchedule: PLAIN_INTERVAL_MS, barsize: 24, linewrap: false, formatTime: timeLeft });
