import type { SingleBar } from 'cli-progress';
import { progressBar } from '../output/progress-bar.ts';

/** How far a walk over logs is; one bar per log, with the time left. */
export interface PositionBar {
  at(log: string, done: number, total: number): void;
  stop(): void;
}

/** On `stream`, which is standard error. */
export const positionBar = (stream: NodeJS.WritableStream, verb: string): PositionBar => {
  let bar: SingleBar | undefined;
  let current: string | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    at: (log, done, total) => {
      if (log !== current) {
        stop();
        current = log;
        bar = progressBar(stream, `${verb} ${log} [{bar}] {percentage}% | {value}/{total} events | {eta_formatted} left`);
        bar.start(total, done);
      }
      bar?.update(done);
    },
    stop,
  };
};
