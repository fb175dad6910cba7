import { eventAddress } from '../address.ts';
import { grouped, moment } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Empty, Failed, Loading } from '../states.tsx';
import type { EventView } from './event-view.ts';

interface Log { readonly tenant: string; readonly log: string; readonly head: number }
interface Logs { readonly logs: readonly Log[] }
interface Page { readonly events: readonly EventView[] }

const PAGE = 50;

const Events = ({ tenant, log, after }: { readonly tenant: string; readonly log: Log; readonly after: number }) => {
  const { data, problem, reload } = useQuery<Page>(`/api/logs/${log.log}/events?${new URLSearchParams({ tenant, after: String(after), limit: String(PAGE) })}`);
  const goTo = (position: number): void => navigate(`/explorer?${new URLSearchParams({ tenant, log: log.log, after: String(Math.max(0, position)) })}`);
  if (problem) return <Failed problem={problem} onRetry={reload} />;
  if (!data) return <Loading what={log.log} />;
  return (
    <>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Events of ${log.log}`}>
        <table>
          <thead><tr><th scope="col" className="number">Position</th><th scope="col">Time (UTC)</th><th scope="col">Type</th><th scope="col">Stream</th><th scope="col">Source</th><th scope="col">Event</th></tr></thead>
          <tbody>
            {data.events.map((event) => (
              <tr key={event.position}>
                <td className="number">{grouped(String(event.position))}</td><td>{moment(event.envelope.time)}</td><td>{event.envelope.type}</td><td>{event.envelope.stream}</td><td>{event.envelope.via}</td>
                <td><a href={eventAddress(tenant, event.envelope.id)} onClick={followed} aria-label={`Open event at position ${event.position}`}>open</a></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="pager">
        <button type="button" className="plain" disabled={after === 0} onClick={() => goTo(0)}>First</button>
        <button type="button" className="plain" disabled={after === 0} onClick={() => goTo(after - PAGE)}>Earlier page</button>
        <button type="button" className="plain" disabled={after + PAGE >= log.head} onClick={() => goTo(after + PAGE)}>Next page</button>
        <button type="button" className="plain" disabled={after + PAGE >= log.head} onClick={() => goTo(log.head - PAGE)}>Newest</button>
        <span className="quiet">head {grouped(String(log.head))}</span>
      </p>
    </>
  );
};

/** Logs of the tenant, and the chosen one page by page in commit order. */
export const LogBrowser = ({ tenant, log, after }: { readonly tenant: string; readonly log?: string; readonly after: number }) => {
  const { data, problem, reload } = useQuery<Logs>(`/api/logs?${new URLSearchParams({ tenant })}`, 5000);
  if (problem && !data) return <Failed problem={problem} onRetry={reload} />;
  if (!data) return <Loading what="the logs" />;
  const chosen = data.logs.find((each) => each.log === log) ?? data.logs.find((each) => each.log === 'sales/0') ?? data.logs[0];
  if (!chosen) return <Empty title={`Tenant ${tenant} has no events yet.`}><p>Add a source with <code>npx millrace source add web --tenant {tenant}</code> and post events to <code>/v1/events</code>.</p></Empty>;
  return (
    <>
      <h1>Explorer</h1>
      <label htmlFor="log">Log</label>{' '}
      <select id="log" value={chosen.log} onChange={(event) => navigate(`/explorer?${new URLSearchParams({ tenant, log: event.target.value })}`)}>
        {data.logs.map((each) => <option key={each.log}>{each.log}</option>)}
      </select>
      <Events key={`${chosen.log}:${after}`} tenant={tenant} log={chosen} after={after} />
    </>
  );
};
