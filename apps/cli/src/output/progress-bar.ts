import cliProgress, { type SingleBar } from 'cli-progress';

/** Where no screen redraws, a line every five seconds is enough for a log. */
const PLAIN_INTERVAL_MS = 5000;

/**
 * A bar as all commands show it, on standard error. The time left is told from the last `etaBuffer` updates; before there is a rate to tell it from,
 * and when the first update is the last, it is a dash.
 */
export const progressBar = (stream: NodeJS.WritableStream, format: string, etaBuffer = 200): SingleBar => {
  const bar: SingleBar = new cliProgress.SingleBar({
    stream, format, etaBuffer, hideCursor: true, noTTYOutput: true, notTTYSchedule: PLAIN_INTERVAL_MS, barsize: 24, linewrap: false,
    formatTime: (seconds, options, roundTo) => (Number.isFinite(seconds) && (seconds > 0 || bar.getProgress() >= 1) ? cliProgress.Format.TimeFormat(seconds, options, roundTo) : '–'),
  });
  return bar;
};
