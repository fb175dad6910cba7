import { useState } from 'react';
import { Empty, Failed, Loading } from '../states.tsx';
import { useQuery } from '../query-hook.ts';
import { metricPath } from '../address.ts';
import { KpiCards } from './kpi-cards.tsx';
import { RankedRevenue } from './ranked-revenue.tsx';
import { RevenueOverTime, type Grain } from './revenue-over-time.tsx';
import { useLive } from './live.ts';

const GRAINS: readonly Grain[] = ['hour', 'day', 'month'];

interface CurrencyRows { readonly rows: readonly { readonly currency: string }[] }

/** The shop at a glance. KPIs are pushed; charts and tables are read again when the push says something changed, at most every few seconds. */
export const Overview = ({ tenant }: { readonly tenant: string }) => {
  const [grain, setGrain] = useState<Grain>();
  const [chosen, setChosen] = useState<string>();
  const live = useLive(tenant);
  const currencies = useQuery<CurrencyRows>(metricPath({ metric: 'revenue.gross', tenant, by: 'currency' }), live.refreshMs);
  if (currencies.problem && !currencies.data) return <Failed problem={currencies.problem} onRetry={currencies.reload} />;
  if (!currencies.data) return <Loading what="the numbers" />;
  const names = [...new Set(currencies.data.rows.map((row) => row.currency))];
  const currency = chosen !== undefined && names.includes(chosen) ? chosen : names[0];
  if (currency === undefined) {
    return (
      <Empty title={`No sales have arrived for tenant ${tenant} yet.`}>
        <p>Send some: <code>npx millrace source add web --record-of sales,customer --tenant {tenant}</code> prints a key for <code>POST /v1/events</code>, or import a file with <code>npx millrace import online-retail &lt;file&gt;</code>. The demo shop sells under tenant <code>demo</code>.</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="title-row">
        <h1>Overview</h1>
        <p className="quiet" role="status">{live.connected ? 'Live' : 'Live numbers are reconnecting…'}</p>
        {names.length > 1 && <label>Currency <select value={currency} onChange={(event) => setChosen(event.target.value)}>{names.map((name) => <option key={name}>{name}</option>)}</select></label>}
      </div>
      <KpiCards tenant={tenant} currency={currency} live={live} />
      <section aria-labelledby="over-time">
        <div className="title-row">
          <h2 id="over-time">Revenue over time, {currency}</h2>
          <div role="group" aria-label="Grain">{GRAINS.map((name) => <button key={name} type="button" className="plain" aria-pressed={(grain ?? (tenant === 'demo' ? 'hour' : 'month')) === name} onClick={() => setGrain(name)}>{name}</button>)}</div>
        </div>
        <RevenueOverTime tenant={tenant} currency={currency} grain={grain ?? (tenant === 'demo' ? 'hour' : 'month')} everyMs={live.refreshMs} />
      </section>
      <div className="columns">
        <RankedRevenue title="Top products" dimension="product" tenant={tenant} currency={currency} everyMs={live.refreshMs} />
        <RankedRevenue title="Countries" dimension="country" tenant={tenant} currency={currency} everyMs={live.refreshMs} />
      </div>
    </>
  );
};
