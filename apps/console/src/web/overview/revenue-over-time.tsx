import { useMemo } from 'react';
import { metricPath, traceAddress } from '../address.ts';
import { Chart } from '../chart.tsx';
import { counted, grouped, money, plotted } from '../format.ts';
import { Scrolled } from '../page.tsx';
import { useQuery, type Refresh } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Awaited, NotRefreshed } from '../states.tsx';
import type { Filters } from './kpi-cards.tsx';
import type { Grain } from './overview-view.ts';
import { periodOf, writtenPeriod } from './period.ts';

interface Answer { readonly rows: readonly Readonly<Record<string, string>>[]; readonly cut?: boolean }
interface Bucket { readonly key: string; readonly label: string; readonly value: string }

/** Enough for three months of hours on a screen; older ones are a `from` away. */
const MAX_POINTS = 2200;

/** The last one may not be over: its value is what has been sold so far. */
const bucketsOf = (rows: Answer['rows'], grain: Grain): Bucket[] => rows.slice(-MAX_POINTS).map((row) => {
  const key = row[grain] ?? '';
  return { key, label: `${writtenPeriod(key)}${Date.parse(periodOf(key).to) > Date.now() ? ' (so far)' : ''}`, value: row['value'] ?? '0' };
});

export const RevenueOverTime = ({ filters, currency, grain, refresh }: { readonly filters: Filters; readonly currency: string; readonly grain: Grain; readonly refresh: Refresh }) => {
  const query = useQuery<Answer>(metricPath({ metric: 'revenue.gross', ...filters, by: grain }, [['limit', '10000']]), refresh);
  const { data } = query;
  const buckets = useMemo(() => bucketsOf(data?.rows ?? [], grain), [data, grain]);
  const points = useMemo(() => buckets.map(({ key, label, value }) => ({ key, label, value: plotted(value), exact: money(value, currency) })), [buckets, currency]);
  const trace = (key: string): string => traceAddress({ metric: 'revenue.gross', ...filters, ...periodOf(key) });
  if (!data) return <Awaited query={query} what="revenue" />;
  if (buckets.length === 0) return <p className="quiet">Nothing was sold in this period.</p>;
  return (
    <>
      <NotRefreshed query={query} />
      <Chart kind="time" title={`Revenue by ${grain}`} axis={currency} points={points} onPick={(key) => navigate(trace(key))} />
      <details>
        <summary>As a table ({counted(buckets.length, 'row')})</summary>
        <Scrolled label={`Revenue by ${grain}`}>
          <table>
            <thead><tr><th scope="col">{grain} (UTC)</th><th scope="col" className="number">Gross, {currency}</th><th scope="col">Events</th></tr></thead>
            <tbody>{buckets.map(({ key, label, value }) => <tr key={key}><th scope="row">{label}</th><td className="number">{grouped(value)}</td><td><a href={trace(key)} onClick={followed} aria-label={`trace: events behind ${label}`}>trace</a></td></tr>)}</tbody>
          </table>
        </Scrolled>
      </details>
    </>
  );
};
