import type { ReactNode } from 'react';
import { amended } from '../address.ts';
import { amend, useRoute } from '../route.ts';
import { GRAINS, PERIODS, type Grain, type OverviewView, type Period } from './overview-view.ts';

const Choice = ({ label, value, onChoose, children }: { readonly label: string; readonly value: string; readonly onChoose: (value: string) => void; readonly children: ReactNode }) => (
  <label>{label} <select value={value} onChange={(event) => onChoose(event.target.value)}>{children}</select></label>
);

const Day = ({ label, value, onChoose }: { readonly label: string; readonly value: string | undefined; readonly onChoose: (day: string | undefined) => void }) => (
  <label>{label} <input type="date" value={value ?? ''} onChange={(event) => onChoose(event.target.value === '' ? undefined : event.target.value)} /></label>
);

const options = (names: readonly string[]): ReactNode => names.map((name) => <option key={name}>{name}</option>);

/** Period, currency and source. What is chosen stands in the address: it can be shared, reloaded and gone back from. */
export const Choices = ({ view, currencies, currency, sources }: { readonly view: OverviewView; readonly currencies: readonly string[]; readonly currency: string; readonly sources: readonly string[] }) => {
  const route = useRoute();
  const choose = (changes: Readonly<Record<string, string | undefined>>): void => amend(amended(route, changes));
  const period = (value: string): void => choose({ period: value === 'all' ? undefined : value, from: undefined, to: undefined });
  return (
    <div className="choices">
      <Choice label="Period" value={view.period} onChoose={period}>{(Object.keys(PERIODS) as Period[]).map((name) => <option key={name} value={name}>{PERIODS[name]}</option>)}</Choice>
      {view.period === 'custom' && (
        <>
          <Day label="From" value={view.firstDay} onChoose={(from) => choose({ period: 'custom', from })} />
          <Day label="To" value={view.lastDay} onChoose={(to) => choose({ period: 'custom', to })} />
        </>
      )}
      {currencies.length > 1 && <Choice label="Currency" value={currency} onChoose={(value) => choose({ currency: value })}>{options(currencies)}</Choice>}
      {(sources.length > 1 || view.source !== undefined) && (
        <Choice label="Source" value={view.source ?? ''} onChoose={(value) => choose({ source: value === '' ? undefined : value })}><option value="">all</option>{options([...new Set([...sources, ...(view.source === undefined ? [] : [view.source])])])}</Choice>
      )}
    </div>
  );
};

export const GrainButtons = ({ grain }: { readonly grain: Grain }) => {
  const route = useRoute();
  return <div role="group" aria-label="Grain">{GRAINS.map((name) => <button key={name} type="button" className="plain" aria-pressed={grain === name} onClick={() => amend(amended(route, { grain: name }))}>{name}</button>)}</div>;
};
