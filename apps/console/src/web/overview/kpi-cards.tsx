import { metricPath, traceAddress, type MetricQuestion } from '../address.ts';
import { AsOfVector } from '../as-of.tsx';
import { grouped, percentage, rounded } from '../format.ts';
import { useMetric } from '../metrics.ts';
import { useQuery } from '../query-hook.ts';
import { followed } from '../route.ts';
import { refreshOf, type Kpi, type LiveNumbers } from './live.ts';

interface Answer { readonly rows: readonly { readonly value: string }[] }

interface Card {
  readonly metric: string;
  readonly name: string;
  /** What stands behind the number: a currency, a percent sign. */
  readonly mark?: 'currency' | '%';
  /** Where the push has it. */
  readonly pushed?: (kpi: Kpi) => string | number;
  /** How it is printed; as it is where it is a sum. */
  readonly print?: (value: string) => string;
}

const CARDS: readonly Card[] = [
  { metric: 'revenue.gross', name: 'Revenue, gross', mark: 'currency', pushed: (kpi) => kpi.gross },
  { metric: 'revenue.net', name: 'Revenue, net', mark: 'currency' },
  { metric: 'revenue.clean', name: 'Revenue, clean', mark: 'currency', pushed: (kpi) => kpi.clean },
  { metric: 'orders', name: 'Orders', pushed: (kpi) => kpi.orders },
  { metric: 'units', name: 'Units sold', pushed: (kpi) => kpi.units },
  { metric: 'buyers', name: 'Buyers', pushed: (kpi) => kpi.buyers },
  { metric: 'aov', name: 'Average order value', mark: 'currency', print: (value) => rounded(value, 2) },
  { metric: 'cancellation.rate', name: 'Cancelled lines', mark: '%', print: (value) => rounded(percentage(value), 2) },
];

export type Filters = Omit<MetricQuestion, 'metric' | 'by'>;

interface CardProps { readonly card: Card; readonly filters: Filters; readonly currency: string; readonly live: LiveNumbers; readonly isFiltered: boolean }

const KpiCard = ({ card: { metric, name, mark, pushed: find, print = (value) => value }, filters, currency, live, isFiltered }: CardProps) => {
  const isPushed = !isFiltered && find !== undefined;
  const kpi = live.kpis?.find((each) => each.currency === currency);
  const { data, problem } = useQuery<Answer>(isPushed ? undefined : metricPath({ metric, ...filters }), refreshOf(live));
  const described = useMetric(metric);
  const value = isPushed ? kpi && String(find(kpi)) : data && (data.rows[0]?.value ?? '–');
  return (
    <li data-testid={`kpi-${metric}`}>
      <p className="name" title={described?.description}>{name}</p>
      <p className="number-big">
        <span title={value}>{value === undefined ? (problem ? '–' : '…') : grouped(print(value))}</span>
        {mark && <span className="mark"> {mark === 'currency' ? currency : mark}</span>}
      </p>
      <a href={traceAddress({ metric, ...filters })} onClick={followed} aria-label={`trace: events behind ${name}`}>trace</a>
    </li>
  );
};

/** The shop's numbers; each leads to the events behind it. Those of all time are pushed as they change, filtered ones are read. */
export const KpiCards = ({ filters, currency, live, isFiltered }: { readonly filters: Filters; readonly currency: string; readonly live: LiveNumbers; readonly isFiltered: boolean }) => (
  <>
    <ul className="cards">
      {CARDS.map((card) => <KpiCard key={card.metric} card={card} filters={filters} currency={currency} live={live} isFiltered={isFiltered} />)}
    </ul>
    <p><AsOfVector asOf={live.asOf} /></p>
  </>
);
