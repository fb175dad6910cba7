import { useMemo } from 'react';
import { metricPath, traceAddress } from '../address.ts';
import { Chart } from '../chart.tsx';
import { grouped, money, plotted } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Failed, Loading } from '../states.tsx';
import { periodOf } from './period.ts';

export type Grain = 'hour' | 'day' | 'month';

interface Answer { readonly rows: readonly Readonly<Record<string, string>>[]; readonly cut?: boolean }

/** Enough for three months of hours on a screen; older ones are a `from` away in the explorer. */
const MAX_POINTS = 2200;

export const RevenueOverTime = ({ tenant, currency, grain, everyMs }: { readonly tenant: string; readonly currency: string; readonly grain: Grain; readonly everyMs: number }) => {
  const { data, problem, reload } = useQuery<Answer>(metricPath({ metric: 'revenue.gross', tenant, by: grain, where: [`currency=${currency}`] }, [['limit', '10000']]), everyMs);
  const rows = useMemo(() => (data?.rows ?? []).slice(-MAX_POINTS).map((row) => ({ label: row[grain] ?? '', value: row['value'] ?? '0' })), [data, grain]);
  const points = useMemo(() => rows.map(({ label, value }) => ({ label, value: plotted(value), exact: money(value, currency) })), [rows, currency]);
  const trace = (label: string): string => traceAddress({ metric: 'revenue.gross', tenant, where: [`currency=${currency}`], ...periodOf(label) });
  if (problem && !data) return <Failed problem={problem} onRetry={reload} />;
  if (!data) return <Loading what="revenue" />;
  return (
    <>
      <Chart kind="line" title={`Revenue by ${grain}`} points={points} onPick={(label) => navigate(trace(label))} />
      <details>
        <summary>As a table ({rows.length} rows)</summary>
        <div className="scroll" tabIndex={0} role="region" aria-label={`Revenue by ${grain}`}>
          <table>
            <thead><tr><th scope="col">{grain}</th><th scope="col" className="number">Gross, {currency}</th><th scope="col">Events</th></tr></thead>
            <tbody>{rows.map(({ label, value }) => <tr key={label}><th scope="row">{label}</th><td className="number">{grouped(value)}</td><td><a href={trace(label)} onClick={followed} aria-label={`trace: events behind ${label}`}>trace</a></td></tr>)}</tbody>
          </table>
        </div>
      </details>
    </>
  );
};
