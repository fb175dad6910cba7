import { EPOCH_MEANS } from '../explorer/event-view.ts';
import { grouped, megabytes } from '../format.ts';
import { Scrolled, usePageTitle } from '../page.tsx';
import { useQuery } from '../query-hook.ts';
import { Awaited, Empty, NotRefreshed } from '../states.tsx';
import { consumersOf, lagOf, serviceRows, snapshotLine, type SystemView } from './system-view.ts';

const REFRESH_MS = 2000;

const Services = ({ view }: { readonly view: SystemView }) => (
  <section aria-labelledby="services">
    <h2 id="services">Services</h2>
    <Scrolled label="Table of services">
      <table>
        <thead><tr><th scope="col">Service</th><th scope="col">State</th>{view.processes && <><th scope="col" className="number">Memory</th><th scope="col" className="number">Restarts</th></>}<th scope="col">What is wrong</th></tr></thead>
        <tbody>
          {serviceRows(view).map((service) => (
            <tr key={service.name}>
              <th scope="row">{service.name}</th>
              <td><span className={service.healthy ? 'state good' : 'state bad'}>{service.healthy ? 'healthy' : 'not healthy'}</span></td>
              {view.processes && <><td className="number">{service.pssBytes !== undefined && megabytes(service.pssBytes)}</td><td className="number">{service.restarts}</td></>}
              <td>{Object.entries(service.problems).map(([name, why]) => `${name}: ${why}`).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
    {!view.processes && !view.failed?.includes('memory and restarts') && <p className="quiet">No supervisor runs these services here: look for their memory and restarts where they are run.</p>}
  </section>
);

const Logs = ({ view }: { readonly view: SystemView }) => (
  <section aria-labelledby="logs">
    <h2 id="logs">Logs and lags</h2>
    <Scrolled label="Table of logs">
      <table>
        <thead><tr><th scope="col">Log</th><th scope="col" className="number" title={EPOCH_MEANS}>Epoch</th><th scope="col" className="number">Head</th><th scope="col" className="number">Relayed</th><th scope="col">Consumer</th><th scope="col" className="number">Position</th><th scope="col" className="number">Lag</th><th scope="col">State</th></tr></thead>
        <tbody>
          {(view.logs ?? []).flatMap((log) => consumersOf(view, log).map((consumer, index) => (
            <tr key={`${log.log}:${consumer.name}`}>
              {index === 0 ? <th scope="row">{log.log}</th> : <td />}
              <td className="number">{index === 0 && log.epoch}</td><td className="number">{index === 0 && grouped(String(log.head))}</td><td className="number">{index === 0 && grouped(String(log.relayed ?? 0))}{index === 0 && log.state === 'diverged' && <span className="state bad"> diverged: {log.reason}</span>}</td>
              <td>{consumer.name}</td><td className="number">{consumer.position === undefined ? '' : grouped(String(consumer.position))}</td><td className="number">{grouped(lagOf(log, consumer))}</td>
              <td>{consumer.state === 'diverged' ? <span className="state bad">diverged: {consumer.reason}</span> : consumer.state}{(consumer.parked ?? 0) > 0 && ` (${consumer.parked} parked)`}</td>
            </tr>
          )))}
        </tbody>
      </table>
    </Scrolled>
  </section>
);

const Sources = ({ sources }: { readonly sources: NonNullable<SystemView['sources']> }) => (
  <section aria-labelledby="sources">
    <h2 id="sources">Sources</h2>
    <p className="quiet">received = accepted + duplicate + rejected + unanswered</p>
    <Scrolled label="Table of sources">
      <table>
        <thead><tr><th scope="col">Source</th>{(['received', 'accepted', 'duplicate', 'rejected', 'unanswered'] as const).map((name) => <th key={name} scope="col" className="number">{name}</th>)}</tr></thead>
        <tbody>{sources.map((source) => <tr key={`${source.tenant}:${source.source}`}><th scope="row">{source.source}</th>{(['received', 'accepted', 'duplicate', 'rejected', 'unanswered'] as const).map((name) => <td key={name} className="number">{grouped(String(source[name]))}</td>)}</tr>)}</tbody>
      </table>
    </Scrolled>
  </section>
);

const Accounting = ({ differences }: { readonly differences: NonNullable<SystemView['differences']> }) => (
  <section aria-labelledby="accounting">
    <h2 id="accounting">Accounting</h2>
    <p className="quiet">received = accounted for; appended = relayed = consumed, for every log</p>
    {differences.length === 0 ? <p><span className="state good">all counts agree</span></p> : (
      <Scrolled label="Table of differences">
        <table>
          <thead><tr><th scope="col">About</th><th scope="col">Difference</th><th scope="col">Expected</th><th scope="col">Counted</th><th scope="col">Since</th></tr></thead>
          <tbody>{differences.map((one) => <tr key={`${one.kind}:${one.about}`}><th scope="row">{one.about}</th><td><span className="state bad">{one.kind}</span></td><td>{one.expected}</td><td>{one.actual}</td><td>{one.since}</td></tr>)}</tbody>
        </table>
      </Scrolled>
    )}
  </section>
);

const EventDatabase = ({ snapshot }: Pick<SystemView, 'snapshot'>) => {
  const line = snapshotLine(snapshot);
  return line && (
    <section aria-labelledby="event-database">
      <h2 id="event-database">Event database</h2>
      <p><span className={`state ${line.state}`}>{line.text}</span></p>
    </section>
  );
};

const Unread = ({ failed = [] }: Pick<SystemView, 'failed'>) => failed.length > 0 && <p className="notice failed" role="status">Could not be read: {failed.join(', ')}. This page asks again by itself; the services below say who is away.</p>;

/** Services, how far each consumer is, and where every event of every source went. */
export const System = ({ tenant }: { readonly tenant: string }) => {
  usePageTitle('System', tenant);
  const query = useQuery<SystemView>(`/api/system?${new URLSearchParams({ tenant })}`, { everyMs: REFRESH_MS });
  const { data } = query;
  return (
    <>
      <h1>System</h1>
      <Awaited query={query} what="the system" />
      <NotRefreshed query={query} />
      {data && (
        <>
          <Unread failed={data.failed} />
          <Services view={data} />
          {data.logs?.length === 0 && <Empty title={`Tenant ${tenant} has no logs yet.`}><p>A log is made by the first event of its context.</p></Empty>}
          {data.logs && data.logs.length > 0 && <Logs view={data} />}
          <EventDatabase snapshot={data.snapshot} />
          {data.differences && <Accounting differences={data.differences} />}
          {(data.sources ?? []).length > 0 && <Sources sources={data.sources ?? []} />}
        </>
      )}
    </>
  );
};
