import { createContext, useContext } from 'react';
import type { Unit } from './format.ts';

/** What a metric says of itself, as analytics answers it. */
export interface MetricDescription {
  readonly id: string;
  readonly unit: Unit;
  readonly description: string;
  readonly contributionMeans: string;
}

/** Read once a visit; empty until then. */
export const Metrics = createContext<readonly MetricDescription[]>([]);

export const useMetric = (id: string): MetricDescription | undefined => useContext(Metrics).find((metric) => metric.id === id);
