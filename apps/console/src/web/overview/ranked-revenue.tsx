import { useMemo } from 'react';
import { metricPath, traceAddress } from '../address.ts';
import { Chart } from '../chart.tsx';
import { grouped, money, plotted } from '../format.ts';
import { useQuery, type Refresh } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Awaited, NotRefreshed } from '../states.tsx';
import type { Filters } from './kpi-cards.tsx';

interface Answer { readonly rows: readonly Readonly<Record<string, string>>[] }

const SHOWN = 10;
const SHORT = { 'revenue.gross': 'Gross', 'revenue.net': 'Net' } as const;

interface RankedProps {
  readonly title: string;
  /** Products are ranked by net revenue: postage is none. */
  readonly metric: keyof typeof SHORT;
  readonly dimension: 'product' | 'country';
  readonly filters: Filters;
  readonly currency: string;
  readonly refresh: Refresh;
}

/** The ten greatest values of a dimension, drawn and as a table whose rows lead to their events. */
export const RankedRevenue = ({ title, metric, dimension, filters, currency, refresh }: RankedProps) => {
  const query = useQuery<Answer>(metricPath({ metric, ...filters, by: dimension }, [['limit', String(SHOWN)]]), refresh);
  const { data } = query;
  const rows = useMemo(() => (data?.rows ?? []).slice(0, SHOWN).map((row) => ({ key: row[dimension] ?? '', label: row[dimension] || 'unknown', value: row['value'] ?? '0' })), [data, dimension]);
  const points = useMemo(() => rows.map(({ key, label, value }) => ({ key, label, value: plotted(value), exact: money(value, currency) })), [rows, currency]);
  const trace = (key: string): string => traceAddress({ metric, ...filters, where: [...filters.where ?? [], `${dimension}=${key}`] });
  const heading = `ranked-${dimension}`;
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>{title}, {currency}</h2>
      <Awaited query={query} what={title} />
      <NotRefreshed query={query} />
      {data && (
        <>
          <Chart kind="rank" title={title} points={points} onPick={(key) => navigate(trace(key))} />
          <table>
            <thead><tr><th scope="col">{dimension}</th><th scope="col" className="number">{SHORT[metric]}, {currency}</th><th scope="col">Events</th></tr></thead>
            <tbody>{rows.map(({ key, label, value }) => <tr key={key}><th scope="row">{label}</th><td className="number">{grouped(value)}</td><td><a href={trace(key)} onClick={followed} aria-label={`trace: events behind ${label}`}>trace</a></td></tr>)}</tbody>
          </table>
        </>
      )}
    </section>
  );
};
