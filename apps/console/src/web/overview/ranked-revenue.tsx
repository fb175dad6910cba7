import { useMemo } from 'react';
import { metricPath, traceAddress } from '../address.ts';
import { Chart } from '../chart.tsx';
import { grouped, money, plotted } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Failed, Loading } from '../states.tsx';

interface Answer { readonly rows: readonly Readonly<Record<string, string>>[] }

const SHOWN = 10;

/** The ten greatest values of a dimension, drawn and as a table whose rows lead to their events. */
export const RankedRevenue = ({ title, dimension, tenant, currency, everyMs }: { readonly title: string; readonly dimension: 'product' | 'country'; readonly tenant: string; readonly currency: string; readonly everyMs: number }) => {
  const { data, problem, reload } = useQuery<Answer>(metricPath({ metric: 'revenue.gross', tenant, by: dimension, where: [`currency=${currency}`] }, [['limit', String(SHOWN)]]), everyMs);
  const rows = useMemo(() => (data?.rows ?? []).slice(0, SHOWN).map((row) => ({ label: row[dimension] ?? '', value: row['value'] ?? '0' })), [data, dimension]);
  const points = useMemo(() => rows.map(({ label, value }) => ({ label: label === '' ? 'unknown' : label, value: plotted(value), exact: money(value, currency) })), [rows, currency]);
  const trace = (label: string): string => traceAddress({ metric: 'revenue.gross', tenant, where: [`currency=${currency}`, `${dimension}=${label}`] });
  const heading = `ranked-${dimension}`;
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>{title}, {currency}</h2>
      {problem && !data && <Failed problem={problem} onRetry={reload} />}
      {!problem && !data && <Loading what={title} />}
      {data && (
        <>
          <Chart kind="bar" title={title} points={points} onPick={(label) => navigate(trace(label))} />
          <table>
            <thead><tr><th scope="col">{dimension}</th><th scope="col" className="number">Gross</th><th scope="col">Events</th></tr></thead>
            <tbody>{rows.map(({ label, value }) => <tr key={label}><th scope="row">{label === '' ? 'unknown' : label}</th><td className="number">{grouped(value)}</td><td><a href={trace(label)} onClick={followed} aria-label={`trace: events behind ${label}`}>trace</a></td></tr>)}</tbody>
          </table>
        </>
      )}
    </section>
  );
};
