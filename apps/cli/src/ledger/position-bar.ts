import { SingleBar } from 'cli-progress';

/** How far a walk over logs is; one bar per log, with the time left. */
export interface PositionBar {
  at(log: string, done: number, total: number): void;
  stop(): void;
}

const PLAIN_INTERVAL_MS = 5000;

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
        bar = new SingleBar({ stream, format: `${verb} ${log} [{bar}] {percentage}% | {value}/{total} events | {eta_formatted} left`, hideCursor: true, noTTYOutput: true, notTTYSchedule: PLAIN_INTERVAL_MS, etaBuffer: 200, stopOnComplete: false, barsize: 24, linewrap: false });
        bar.start(total, done);
      }
      bar?.update(done);
    },
    stop,
  };
};
