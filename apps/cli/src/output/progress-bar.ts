import { SingleBar } from 'cli-progress';

/** Where no screen redraws, a line every five seconds is enough for a log. */
const PLAIN_INTERVAL_MS = 5000;

/** A bar as all commands show it, on standard error. The time left is told from the last `etaBuffer` updates. */
export const progressBar = (stream: NodeJS.WritableStream, format: string, etaBuffer = 200): SingleBar =>
  new SingleBar({ stream, format, etaBuffer, hideCursor: true, noTTYOutput: true, notTTYSchedule: PLAIN_INTERVAL_MS, barsize: 24, linewrap: false });
