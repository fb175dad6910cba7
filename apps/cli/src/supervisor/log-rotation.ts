import { copyFileSync, existsSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** Per process at most 4 files of 10 MB: days of ordinary running, a bound when something shouts. */
const MAX_BYTES = 10_000_000;
const KEPT = 3;

/**
 * Copies a log that grew too large aside and empties it in place: its writers hold it open for appending, so they go on at its
 * new start. Lines written between the copy and the emptying are lost; logs are a convenience, never a record.
 */
export const rotateLogs = (folder: string, maxBytes = MAX_BYTES): void => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.log'))) {
    const file = join(folder, name);
    if (statSync(file).size <= maxBytes) continue;
    for (let age = KEPT - 1; age >= 1; age -= 1) if (existsSync(`${file}.${age}`)) renameSync(`${file}.${age}`, `${file}.${age + 1}`);
    copyFileSync(file, `${file}.1`);
    truncateSync(file, 0);
  }
};

/** Looks every five seconds; call the answer to end it. */
export const keepLogsBounded = (folder: string): (() => void) => {
  const timer = setInterval(() => rotateLogs(folder), 5000);
  return () => clearInterval(timer);
};

/** Node ends its report of an uncaught error with stack, details and its own version; what went wrong stands before them. */
const saidWhy = (lines: readonly string[]): string | undefined =>
  (lines.at(-1)?.startsWith('Node.js v') === true ? lines.findLast((line) => /^(?:Uncaught )?\w*(?:Error|Exception)\b.*:/.test(line)) : undefined);

/** The last thing a process said, for the line that reports its end; JSON lines give their message. */
export const lastLine = (text: string): string => {
  const lines = text.trimEnd().split('\n').map((line) => line.trim());
  const line = saidWhy(lines) ?? lines.at(-1) ?? '';
  const message = /"(?:msg|message)":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return (message ?? line).slice(0, 300);
};
