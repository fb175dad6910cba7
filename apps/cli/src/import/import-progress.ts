import type { SingleBar } from 'cli-progress';
import { progressBar } from '../output/progress-bar.ts';

/** What an import tells while it runs. */
export interface ImportProgress {
  reading(lines: number): void;
  /** `alreadyStored` of `events` are known from an earlier run. */
  sending(events: number, alreadyStored: number): void;
  sent(events: number, lines: number): void;
  retrying(why: string, waitMs: number): void;
  stop(): void;
}

export const silentProgress: ImportProgress = { reading: () => undefined, sending: () => undefined, sent: () => undefined, retrying: () => undefined, stop: () => undefined };

/** A bar with rate and time left on `stream`, which is standard error: standard output belongs to the report. */
export const importBar = (stream: NodeJS.WritableStream): ImportProgress => {
  let bar: SingleBar | undefined;
  let startedAt = 0;
  let linesSent = 0;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    reading: (lines) => {
      if (bar === undefined) (bar = progressBar(stream, 'reading   {value} lines | {duration_formatted}')).start(0, 0);
      bar.update(lines);
    },
    sending: (events, alreadyStored) => {
      stop();
      [startedAt, linesSent] = [performance.now(), 0];
      bar = progressBar(stream, 'sending   [{bar}] {percentage}% | {value}/{total} events | {rate} lines/s | {eta_formatted} left{note}');
      bar.start(events, alreadyStored, { rate: '–', note: '' });
    },
    sent: (events, lines) => {
      linesSent += lines;
      bar?.increment(events, { rate: Math.round((linesSent * 1000) / (performance.now() - startedAt)), note: '' });
    },
    retrying: (why, waitMs) => bar?.update({ note: ` | waiting ${(waitMs / 1000).toFixed(1)} s: ${why}` }),
    stop,
  };
};
