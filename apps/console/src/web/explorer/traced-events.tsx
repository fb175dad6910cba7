import { amended, metricPath, nextCursors, traceAddress, tracePath, type MetricQuestion } from '../address.ts';
import { AsOfVector } from '../as-of.tsx';
import { counted, grouped, inUnit, moment, type Unit } from '../format.ts';
import { useMetric } from '../metrics.ts';
import { Scrolled, usePageTitle } from '../page.tsx';
import { useQuery } from '../query-hook.ts';
import { followed, navigate, useRoute } from '../route.ts';
import { Awaited, Empty } from '../states.tsx';

interface Traced { readonly log: string; readonly position: number; readonly id: string; readonly type: string; readonly time: string; readonly contribution: string; readonly currency?: string }
interface Trace { readonly asOf: Readonly<Record<string, number>>; readonly events: readonly Traced[]; readonly next?: string | null }
interface Answer { readonly unit: Unit; readonly asOf: Readonly<Record<string, number>>; readonly facts: number; readonly events: number; readonly rows: readonly Readonly<Record<string, string>>[] }

const PAGE = 50;
/** What a metric's facts are, by what it counts: an order as a whole, or a line. */
const factsOf = ({ facts }: Answer, metric: string): string => counted(facts, metric === 'orders' || metric === 'aov' ? 'order' : 'line');

const Number = ({ question, unit }: { readonly question: MetricQuestion; readonly unit: (answer: Answer) => Unit }) => {
  const query = useQuery<Answer>(metricPath(question));
  const { data } = query;
  if (!data) return <Awaited query={query} what="the number" />;
  return (
    <>
      <p className="value" data-testid="traced-value">
        {data.rows.map((row) => inUnit(row['value'] ?? '', unit(data), row['currency'])).join(', ') || 'no value'}{' '}
        <span className="quiet">from {counted(data.events, 'event')}, {factsOf(data, question.metric)}</span>
      </p>
      <p><AsOfVector asOf={data.asOf} /></p>
    </>
  );
};

/** A share's events are given by the lines they count. */
const contributed = ({ contribution, currency }: Traced, unit: Unit | undefined): string => inUnit(contribution, unit === 'ratio' ? 'lines' : unit, currency);

const Events = ({ events, unit }: { readonly events: readonly Traced[]; readonly unit: Unit | undefined }) => {
  const route = useRoute();
  return (
    <Scrolled label="Events">
      <table>
        <thead><tr><th scope="col">Event</th><th scope="col">Log</th><th scope="col" className="number">Position</th><th scope="col">Time (UTC)</th><th scope="col">Type</th><th scope="col" className="number">Contribution</th></tr></thead>
        <tbody>
          {events.map((event) => (
            <tr key={`${event.log}:${event.position}:${event.currency ?? ''}`}>
              <td className="id"><a className="hash" href={amended(route, { event: event.id })} onClick={followed} aria-label={`Open event ${event.id}`}>{event.id}</a></td>
              <td>{event.log}</td><td className="number">{grouped(String(event.position))}</td><td className="time">{moment(event.time)}</td><td>{event.type}</td>
              <td className="number">{contributed(event, unit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
};

/** The number, then the events it is the sum of, page by page; the pages before stand in the address. */
export const TracedEvents = ({ question, cursors }: { readonly question: MetricQuestion; readonly cursors: readonly string[] }) => {
  usePageTitle(`Events behind ${question.metric}`, question.tenant);
  const route = useRoute();
  const metric = useMetric(question.metric);
  const after = cursors.at(-1);
  const query = useQuery<Trace>(tracePath(question, [['limit', String(PAGE)], ...(after === undefined ? [] : [['after', after] as [string, string]])]));
  const { data } = query;
  const filters = [...(question.where ?? []), ...(question.from === undefined ? [] : [`from ${moment(question.from)}`]), ...(question.to === undefined ? [] : [`to ${moment(question.to)}`])];
  return (
    <>
      <h1>Events behind {question.metric}</h1>
      {metric && <p>{metric.description}</p>}
      <p>{filters.length === 0 ? 'No filter' : filters.join(' · ')}</p>
      <Number question={question} unit={(answer) => metric?.unit ?? answer.unit} />
      <Awaited query={query} what="the events" />
      {data && data.events.length === 0 && <Empty title="No event counts towards this number."><p>Widen the filter, or go back to the overview.</p></Empty>}
      {data && data.events.length > 0 && (
        <>
          {metric && <p className="quiet">Contribution: {metric.contributionMeans}</p>}
          <Events events={data.events} unit={metric?.unit} />
          <p className="pager">
            <button type="button" className="plain" disabled={after === undefined} onClick={() => navigate(traceAddress(question))}>First page</button>
            <button type="button" className="plain" disabled={after === undefined} onClick={() => navigate(amended(route, { after: cursors.slice(0, -1) }))}>Earlier page</button>
            <button type="button" className="plain" disabled={!data.next} onClick={() => { if (data.next) navigate(amended(route, { after: nextCursors(cursors, data.next) })); }}>Next page</button>
          </p>
        </>
      )}
    </>
  );
};
