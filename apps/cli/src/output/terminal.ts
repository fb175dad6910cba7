import { isDomainError } from '@millrace/kernel';

/** Where a command's words go. With --json nothing but the one document may reach standard output. */
export interface Terminal {
  /** The answer. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** Where progress bars are drawn: standard error. */
  readonly progress: NodeJS.WritableStream;
}

export const processTerminal: Terminal = {
  out: (text) => { process.stdout.write(`${text}\n`); },
  err: (text) => { process.stderr.write(`${text}\n`); },
  progress: process.stderr,
};

/** The command's answer: as one JSON document, or in words. */
export const present = (terminal: Terminal, json: boolean, document: unknown, inWords: () => string): void => {
  terminal.out(json ? JSON.stringify(document) : inWords());
};

/** Any error as one line. What isn't ours keeps its first line only. */
export const errorLine = (error: unknown): string => {
  if (isDomainError(error)) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'failed';
};

export const clockTime = (now: Date): string => now.toTimeString().slice(0, 8);
