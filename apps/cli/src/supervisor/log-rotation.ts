import { appendFileSync, copyFileSync, existsSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from './part.ts';

/** Per process at most 4 files of 10 MB: days of ordinary running, a bound when something shouts. */
const MAX_BYTES = 10_000_000;
const KEPT = 3;

/**
 * Copies a log that grew too large aside and empties it in place: its writers hold it open for appending, so they go on at its
 * new start. Lines written between the copy and the emptying are lost; logs are a convenience, never a record.
 */
const rotate = (file: string, maxBytes: number): void => {
  if (statSync(file).size <= maxBytes) return;
  for (let age = KEPT - 1; age >= 1; age -= 1) if (existsSync(`${file}.${age}`)) renameSync(`${file}.${age}`, `${file}.${age + 1}`);
  copyFileSync(file, `${file}.1`);
  truncateSync(file, 0);
};

/** Rotates every log of a folder that is too large. Answers why some could not be: a full disk or a log that somebody moved stops neither the others nor the platform. */
export const rotateLogs = (folder: string, maxBytes = MAX_BYTES): string[] => {
  const failures: string[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      failures.push((error as Error).message);
    }
  };
  let names: string[] = [];
  attempt(() => { names = readdirSync(folder).filter((file) => file.endsWith('.log')); });
  for (const name of names) attempt(() => rotate(join(folder, name), maxBytes));
  return failures;
};

/** Looks every five seconds, and tells each reason why a log is not bounded once; call the answer to end it. */
export const keepLogsBounded = (folder: string, tell: (failure: string) => void): (() => void) => {
  const told = new Set<string>();
  const timer = setInterval(() => {
    for (const failure of rotateLogs(folder)) {
      if (told.has(failure)) continue;
      told.add(failure);
      tell(failure);
    }
  }, 5000);
  return () => clearInterval(timer);
};

/** What the supervisor says on its terminal, kept with a date: a terminal is closed, and a restart of last night is asked for in the morning. */
export const alsoLogged = (file: string, tell: Report): Report => (part, message) => {
  tell(part, message);
  try {
    appendFileSync(file, `${new Date().toISOString()} ${part} ${message}\n`, { mode: 0o600 });
  } catch {
    // A full disk: it stood on the terminal.
  }
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
