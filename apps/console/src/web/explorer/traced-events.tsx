import { useState } from 'react';
import { eventAddress, metricPath, tracePath, type MetricQuestion } from '../address.ts';
import { grouped, moment, money } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { followed } from '../route.ts';
import { Empty, Failed, Loading } from '../states.tsx';

interface Traced { readonly log: string; readonly position: number; readonly id: string; readonly type: string; readonly time: string; readonly contribution: string; readonly currency?: string }
interface Trace { readonly asOf: Readonly<Record<string, number>>; readonly events: readonly Traced[]; readonly next?: string | null; readonly contributionMeans?: string }
interface Answer { readonly metric: string; readonly version: number; readonly asOf: Readonly<Record<string, number>>; readonly facts?: number; readonly events?: number; readonly rows: readonly Readonly<Record<string, string>>[] }

const PAGE = 50;

export const AsOfVector = ({ asOf }: { readonly asOf: Readonly<Record<string, number>> }) => (
  <span className="quiet">As of {Object.entries(asOf).map(([log, position]) => `${log} at ${grouped(String(position))}`).join(', ') || 'an empty log'}</span>
);

/** The number, then the events it is the sum of, page by page. */
export const TracedEvents = ({ question }: { readonly question: MetricQuestion }) => {
  const [pages, setPages] = useState<readonly string[]>([]);
  const after = pages.at(-1);
  const number = useQuery<Answer>(metricPath(question));
  const { data, problem, reload } = useQuery<Trace>(tracePath(question, [['limit', String(PAGE)], ...(after === undefined ? [] : [['after', after] as [string, string]])]));
  const filters = [...(question.where ?? []), ...(question.from === undefined ? [] : [`from ${moment(question.from)}`]), ...(question.to === undefined ? [] : [`to ${moment(question.to)}`])];
  return (
    <>
      <h1>Events behind {question.metric}</h1>
      <p>{filters.length === 0 ? 'No filter' : filters.join(' · ')}</p>
      {number.data && (
        <p className="value" data-testid="traced-value">
          {number.data.rows.map((row) => (row['currency'] === undefined ? grouped(row['value'] ?? '') : money(row['value'] ?? '', row['currency']))).join(', ') || 'no value'}{' '}
          <AsOfVector asOf={number.data.asOf} />
        </p>
      )}
      {problem && <Failed problem={problem} onRetry={reload} />}
      {!problem && !data && <Loading what="the events" />}
      {data && data.events.length === 0 && <Empty title="No event counts towards this number."><p>Widen the filter, or go back to the overview.</p></Empty>}
      {data && data.events.length > 0 && (
        <>
          <div className="scroll" tabIndex={0} role="region" aria-label="Events">
            <table>
              <thead><tr><th scope="col">Log</th><th scope="col" className="number">Position</th><th scope="col">Time (UTC)</th><th scope="col">Type</th><th scope="col" className="number">Contribution</th><th scope="col">Event</th></tr></thead>
              <tbody>
                {data.events.map((event) => (
                  <tr key={`${event.log}:${event.position}:${event.currency ?? ''}`}>
                    <td>{event.log}</td><td className="number">{grouped(String(event.position))}</td><td>{moment(event.time)}</td><td>{event.type}</td>
                    <td className="number">{event.currency === undefined ? grouped(event.contribution) : money(event.contribution, event.currency)}</td>
                    <td><a href={eventAddress(question.tenant, event.id)} onClick={followed} aria-label={`Open event ${event.id}`}>{event.id.slice(0, 18)}{event.id.length > 18 && '…'}</a></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className="pager">
            <button type="button" className="plain" disabled={pages.length === 0} onClick={() => setPages(pages.slice(0, -1))}>Earlier page</button>
            <button type="button" className="plain" disabled={!data.next} onClick={() => { if (data.next) setPages([...pages, data.next]); }}>Next page</button>
          </p>
        </>
      )}
    </>
  );
};
