import { SingleBar } from 'cli-progress';
import type { Progress } from './bench-result.ts';

/** A bar per part of a benchmark, on standard error; `stop` ends the one that stands. */
export const benchProgress = (name: string): { readonly progress: Progress; stop(): void } => {
  let standing: { part: string; bar: SingleBar } | undefined;
  const stop = (): void => {
    standing?.bar.stop();
    standing = undefined;
  };
  const progress: Progress = (part, done, of) => {
    if (standing?.part !== part) {
      stop();
      const bar = new SingleBar({ stream: process.stderr, format: `${name}, ${part} [{bar}] {value}/{total} | {duration_formatted}, {eta_formatted} left`, noTTYOutput: true, notTTYSchedule: 10_000, barsize: 24 });
      bar.start(of, 0);
      standing = { part, bar };
    }
    standing.bar.update(done);
  };
  return { progress, stop };
};
