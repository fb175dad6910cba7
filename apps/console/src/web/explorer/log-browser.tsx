import { eventAddress } from '../address.ts';
import { grouped, moment } from '../format.ts';
import { Scrolled, usePageTitle } from '../page.tsx';
import { useQuery } from '../query-hook.ts';
import { followed, navigate } from '../route.ts';
import { Awaited, Empty, NotRefreshed } from '../states.tsx';
import type { EventView } from './event-view.ts';

interface Log { readonly tenant: string; readonly log: string; readonly head: number }
interface Logs { readonly logs: readonly Log[] }
interface Page { readonly events: readonly EventView[] }

const PAGE = 50;
const REFRESH_MS = 5000;

const Events = ({ tenant, log, after }: { readonly tenant: string; readonly log: Log; readonly after: number }) => {
  const query = useQuery<Page>(`/api/logs/${log.log}/events?${new URLSearchParams({ tenant, after: String(after), limit: String(PAGE) })}`);
  const { data } = query;
  const goTo = (position: number): void => navigate(`/explorer?${new URLSearchParams({ tenant, log: log.log, after: String(Math.max(0, position)) })}`);
  if (!data) return <Awaited query={query} what={log.log} />;
  return (
    <>
      <Scrolled label={`Events of ${log.log}`}>
        <table>
          <thead><tr><th scope="col" className="number">Position</th><th scope="col">Time (UTC)</th><th scope="col">Type</th><th scope="col">Stream</th><th scope="col">Source</th></tr></thead>
          <tbody>
            {data.events.map((event) => (
              <tr key={event.position}>
                <td className="number"><a href={eventAddress(tenant, event.envelope.id)} onClick={followed} aria-label={`Open event at position ${grouped(String(event.position))}`}>{grouped(String(event.position))}</a></td>
                <td className="time">{moment(event.envelope.time)}</td><td>{event.envelope.type}</td><td>{event.envelope.stream}</td><td>{event.envelope.via}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
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
  usePageTitle('Explorer', tenant);
  const query = useQuery<Logs>(`/api/logs?${new URLSearchParams({ tenant })}`, { everyMs: REFRESH_MS });
  const { data } = query;
  const chosen = data && (data.logs.find((each) => each.log === log) ?? data.logs.find((each) => each.log === 'sales/0') ?? data.logs[0]);
  return (
    <>
      <h1>Explorer</h1>
      <Awaited query={query} what="the logs" />
      <NotRefreshed query={query} />
      {data && !chosen && <Empty title={`Tenant ${tenant} has no events yet.`}><p>Add a source with <code>npx millrace source add web --tenant {tenant}</code> and post events to <code>/v1/events</code>.</p></Empty>}
      {data && chosen && (
        <>
          <label htmlFor="log">Log</label>{' '}
          <select id="log" value={chosen.log} onChange={(event) => navigate(`/explorer?${new URLSearchParams({ tenant, log: event.target.value })}`)}>
            {data.logs.map((each) => <option key={each.log}>{each.log}</option>)}
          </select>
          <Events key={`${chosen.log}:${after}`} tenant={tenant} log={chosen} after={after} />
        </>
      )}
    </>
  );
};
