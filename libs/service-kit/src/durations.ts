import { Histogram, type Registry } from 'prom-client';
import { isDomainError } from '@millrace/kernel';

/** Seconds; dense below 50 ms, where the bar for an acknowledgement lies, up to where the longest statement of ours is ended. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Runs work and observes how long it took, under its labels and its outcome. What it throws passes through. */
export type Durations<L extends string> = <T>(labels: Readonly<Record<L, string>>, work: () => Promise<T>) => Promise<T>;

/** A histogram of seconds with one label more: `outcome` is `ok`, the kind of a DomainError, or `failed`. Labels are names, never ids. */
export const durations = <L extends string>(registry: Registry, name: string, help: string, labelNames: readonly L[]): Durations<L> => {
  const histogram = new Histogram<string>({ name, help, labelNames: [...labelNames, 'outcome'], buckets: SECONDS, registers: [registry] });
  return async (labels, work) => {
    const observe = histogram.startTimer({ ...labels });
    try {
      const result = await work();
      observe({ outcome: 'ok' });
      return result;
    } catch (error) {
      observe({ outcome: isDomainError(error) ? error.kind : 'failed' });
      throw error;
    }
  };
};
