import { metricPath, traceAddress } from '../address.ts';
import { AsOfVector } from '../explorer/traced-events.tsx';
import { grouped, money } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { followed } from '../route.ts';
import type { Kpi, LiveNumbers } from './live.ts';

interface Answer { readonly rows: readonly { readonly value: string }[] }

interface Card { readonly metric: string; readonly name: string; readonly value: string }

const cardsOf = (kpi: Kpi | undefined, aov: string | undefined): Card[] => {
  const amount = (text: string | undefined): string => (text === undefined || kpi === undefined ? '…' : money(text, kpi.currency));
  const count = (value: string | number | undefined): string => (value === undefined ? '…' : grouped(String(value)));
  return [
    { metric: 'revenue.gross', name: 'Revenue, gross', value: amount(kpi?.gross) },
    { metric: 'revenue.clean', name: 'Revenue, clean', value: amount(kpi?.clean) },
    { metric: 'orders', name: 'Orders', value: count(kpi?.orders) },
    { metric: 'units', name: 'Units sold', value: count(kpi?.units) },
    { metric: 'buyers', name: 'Buyers', value: count(kpi?.buyers) },
    { metric: 'aov', name: 'Average order value', value: amount(aov) },
  ];
};

/** The shop's totals as they are pushed; each leads to the events behind it. */
export const KpiCards = ({ tenant, currency, live }: { readonly tenant: string; readonly currency: string; readonly live: LiveNumbers }) => {
  const where = [`currency=${currency}`];
  const aov = useQuery<Answer>(metricPath({ metric: 'aov', tenant, where }), live.refreshMs);
  const kpi = live.kpis?.find((each) => each.currency === currency);
  return (
    <>
      <ul className="cards">
        {cardsOf(kpi, aov.data?.rows[0]?.value).map(({ metric, name, value }) => (
          <li key={metric} data-testid={`kpi-${metric}`}>
            <p className="name">{name}</p>
            <p className="number-big">{value}</p>
            <a href={traceAddress({ metric, tenant, where })} onClick={followed} aria-label={`trace: events behind ${name}`}>trace</a>
          </li>
        ))}
      </ul>
      <p><AsOfVector asOf={live.asOf} /></p>
    </>
  );
};
