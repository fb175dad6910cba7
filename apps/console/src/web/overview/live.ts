import { useEffect, useState } from 'react';
import type { Refresh } from '../query-hook.ts';
import { keepOpen } from './live-connection.ts';

/** Totals in one currency, exact decimals as text. */
export interface Kpi {
  readonly currency: string;
  readonly gross: string;
  readonly clean: string;
  readonly units: string;
  readonly orders: number;
  readonly buyers: number;
}

export interface LiveNumbers {
  readonly connected: boolean;
  readonly kpis?: readonly Kpi[];
  readonly asOf: Readonly<Record<string, number>>;
}

interface Snapshot { readonly asOf: Readonly<Record<string, number>>; readonly kpis: readonly Kpi[] }

/** The big aggregates are read again far less often than the pushed totals change. */
const REFRESH_MS = 5000;

/** Charts and tables are read again when the push says that something changed. */
export const refreshOf = ({ asOf }: LiveNumbers): Refresh => ({ everyMs: REFRESH_MS, changes: JSON.stringify(asOf) });

export const snapshotIn = (text: string): Snapshot | undefined => {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && 'kpis' in parsed && Array.isArray(parsed.kpis) ? parsed as Snapshot : undefined;
};

/** Listens to the tenant's KPI push, again after it broke. */
export const useLive = (tenant: string): LiveNumbers => {
  const [state, setState] = useState<LiveNumbers>({ connected: false, asOf: {} });
  useEffect(() => keepOpen(
    () => new EventSource(`/api/stream?${new URLSearchParams({ tenant })}`),
    (source) => {
      source.addEventListener('open', () => setState((before) => ({ ...before, connected: true })));
      source.addEventListener('error', () => setState((before) => ({ ...before, connected: false })));
      source.addEventListener('kpi', (event: MessageEvent<string>) => {
        const snapshot = snapshotIn(event.data);
        if (snapshot) setState((before) => ({ ...before, connected: true, kpis: snapshot.kpis, asOf: snapshot.asOf }));
      });
    },
  ), [tenant]);
  return state;
};
