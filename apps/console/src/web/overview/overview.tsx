import { metricPath } from '../address.ts';
import { usePageTitle } from '../page.tsx';
import { useQuery } from '../query-hook.ts';
import { followed } from '../route.ts';
import { Awaited, Empty, NotRefreshed } from '../states.tsx';
import { Choices, GrainButtons } from './choices.tsx';
import { KpiCards } from './kpi-cards.tsx';
import { refreshOf, useLive, type LiveNumbers } from './live.ts';
import { overviewOf, spanOf, usualGrain, type OverviewView } from './overview-view.ts';
import { RankedRevenue } from './ranked-revenue.tsx';
import { RevenueOverTime } from './revenue-over-time.tsx';

interface Sales { readonly rows: readonly { readonly currency: string; readonly source: string }[] }

const NoSales = ({ tenant, demoSells }: { readonly tenant: string; readonly demoSells: boolean }) => (
  <Empty title={`No sales have arrived for tenant ${tenant} yet.`}>
    <p>Send some: <code>npx millrace source add web --record-of sales,customer --tenant {tenant}</code> prints a key for <code>POST /v1/events</code>, or import a file with <code>npx millrace import online-retail &lt;file&gt;</code>.</p>
    {demoSells && tenant !== 'demo' && <p>The demo shop sells meanwhile: <a href="/?tenant=demo" onClick={followed}>look at tenant demo</a>.</p>}
  </Empty>
);

const Numbers = ({ tenant, view, sales, live }: { readonly tenant: string; readonly view: OverviewView; readonly sales: Sales; readonly live: LiveNumbers }) => {
  const currencies = [...new Set(sales.rows.map((row) => row.currency))];
  const currency = view.currency !== undefined && currencies.includes(view.currency) ? view.currency : currencies[0] ?? '';
  const span = spanOf(view, new Date());
  const filters = { tenant, ...span, where: [`currency=${currency}`, ...(view.source === undefined ? [] : [`source=${view.source}`])] };
  const refresh = refreshOf(live);
  const grain = view.grain ?? usualGrain(view, tenant);
  return (
    <>
      <Choices view={view} currencies={currencies} currency={currency} sources={[...new Set(sales.rows.map((row) => row.source))].sort()} />
      <KpiCards filters={filters} currency={currency} live={live} isFiltered={view.source !== undefined || span.from !== undefined || span.to !== undefined} />
      <section aria-labelledby="over-time">
        <div className="title-row">
          <h2 id="over-time">Revenue over time, {currency} <span className="quiet">(UTC)</span></h2>
          <GrainButtons grain={grain} />
        </div>
        <RevenueOverTime filters={filters} currency={currency} grain={grain} refresh={refresh} />
      </section>
      <div className="columns">
        <RankedRevenue title="Top products" metric="revenue.net" dimension="product" filters={filters} currency={currency} refresh={refresh} />
        <RankedRevenue title="Countries" metric="revenue.gross" dimension="country" filters={filters} currency={currency} refresh={refresh} />
      </div>
    </>
  );
};

/** The shop at a glance. KPIs are pushed; charts and tables are read again when the push says something changed, at most every few seconds. */
export const Overview = ({ tenant, query, demoSells }: { readonly tenant: string; readonly query: URLSearchParams; readonly demoSells: boolean }) => {
  usePageTitle('Overview', tenant);
  const live = useLive(tenant);
  const sales = useQuery<Sales>(metricPath({ metric: 'revenue.gross', tenant, by: 'currency' }, [['by', 'source']]), refreshOf(live));
  return (
    <>
      <div className="title-row">
        <h1>Overview</h1>
        <p className="quiet" role="status">{live.connected ? 'Live' : 'Live numbers are reconnecting…'}</p>
      </div>
      <NotRefreshed query={sales} />
      <Awaited query={sales} what="the numbers" />
      {sales.data && (sales.data.rows.length === 0 ? <NoSales tenant={tenant} demoSells={demoSells} /> : <Numbers tenant={tenant} view={overviewOf(query)} sales={sales.data} live={live} />)}
    </>
  );
};
