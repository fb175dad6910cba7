import { grouped } from '../format.ts';
import { useQuery } from '../query-hook.ts';
import { Empty, Failed, Loading } from '../states.tsx';
import { consumersOf, lagOf, snapshotLine, type SystemView } from './system-view.ts';

const REFRESH_MS = 2000;

const Services = ({ services }: Pick<SystemView, 'services'>) => (
  <section aria-labelledby="services">
    <h2 id="services">Services</h2>
    <table>
      <thead><tr><th scope="col">Service</th><th scope="col">State</th><th scope="col">What is wrong</th></tr></thead>
      <tbody>
        {services.map((service) => (
          <tr key={service.name}>
            <th scope="row">{service.name}</th>
            <td><span className={service.healthy ? 'state good' : 'state bad'}>{service.healthy ? 'healthy' : 'not healthy'}</span></td>
            <td>{Object.entries(service.problems).map(([name, why]) => `${name}: ${why}`).join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

const Logs = ({ view }: { readonly view: SystemView }) => (
  <section aria-labelledby="logs">
    <h2 id="logs">Logs and lags</h2>
    <div className="scroll" tabIndex={0} role="region" aria-label="Logs and lags">
      <table>
        <thead><tr><th scope="col">Log</th><th scope="col" className="number">Epoch</th><th scope="col" className="number">Head</th><th scope="col" className="number">Relayed</th><th scope="col">Consumer</th><th scope="col" className="number">Position</th><th scope="col" className="number">Lag</th><th scope="col">State</th></tr></thead>
        <tbody>
          {(view.logs ?? []).flatMap((log) => consumersOf(view, log).map((consumer, index) => (
            <tr key={`${log.log}:${consumer.name}`}>
              {index === 0 ? <th scope="row">{log.log}</th> : <td />}
              <td className="number">{index === 0 && log.epoch}</td><td className="number">{index === 0 && grouped(String(log.head))}</td><td className="number">{index === 0 && grouped(String(log.relayed ?? 0))}{index === 0 && log.state === 'diverged' && <span className="state bad"> diverged: {log.reason}</span>}</td>
              <td>{consumer.name}</td><td className="number">{consumer.position === undefined ? '' : grouped(String(consumer.position))}</td><td className="number">{lagOf(log, consumer)}</td>
              <td>{consumer.state === 'diverged' ? <span className="state bad">diverged: {consumer.reason}</span> : consumer.state}{(consumer.parked ?? 0) > 0 && ` (${consumer.parked} parked)`}</td>
            </tr>
          )))}
        </tbody>
      </table>
    </div>
  </section>
);

const Sources = ({ sources }: { readonly sources: NonNullable<SystemView['sources']> }) => (
  <section aria-labelledby="sources">
    <h2 id="sources">Sources</h2>
    <p className="quiet">received = accepted + duplicate + rejected + unanswered</p>
    <table>
      <thead><tr><th scope="col">Source</th>{(['received', 'accepted', 'duplicate', 'rejected', 'unanswered'] as const).map((name) => <th key={name} scope="col" className="number">{name}</th>)}</tr></thead>
      <tbody>{sources.map((source) => <tr key={`${source.tenant}:${source.source}`}><th scope="row">{source.source}</th>{(['received', 'accepted', 'duplicate', 'rejected', 'unanswered'] as const).map((name) => <td key={name} className="number">{grouped(String(source[name]))}</td>)}</tr>)}</tbody>
    </table>
  </section>
);

const Accounting = ({ differences }: { readonly differences: NonNullable<SystemView['differences']> }) => (
  <section aria-labelledby="accounting">
    <h2 id="accounting">Accounting</h2>
    <p className="quiet">received = accounted for; appended = relayed = consumed, for every log</p>
    {differences.length === 0 ? <p><span className="state good">all counts agree</span></p> : (
      <table>
        <thead><tr><th scope="col">About</th><th scope="col">Difference</th><th scope="col">Expected</th><th scope="col">Counted</th><th scope="col">Since</th></tr></thead>
        <tbody>{differences.map((one) => <tr key={`${one.kind}:${one.about}`}><th scope="row">{one.about}</th><td><span className="state bad">{one.kind}</span></td><td>{one.expected}</td><td>{one.actual}</td><td>{one.since}</td></tr>)}</tbody>
      </table>
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

/** Services, how far each consumer is, and where every event of every source went. */
export const System = ({ tenant }: { readonly tenant: string }) => {
  const { data, problem, reload } = useQuery<SystemView>(`/api/system?${new URLSearchParams({ tenant })}`, REFRESH_MS);
  if (problem && !data) return <><h1>System</h1><Failed problem={problem} onRetry={reload} /></>;
  if (!data) return <Loading what="the system" />;
  return (
    <>
      <h1>System</h1>
      {problem && <Failed problem={problem} />}
      <Services services={data.services} />
      {(data.logs ?? []).length === 0 ? <Empty title={`Tenant ${tenant} has no logs yet.`}><p>A log is made by the first event of its context.</p></Empty> : <Logs view={data} />}
      <EventDatabase snapshot={data.snapshot} />
      {data.differences && <Accounting differences={data.differences} />}
      {(data.sources ?? []).length > 0 && <Sources sources={data.sources ?? []} />}
    </>
  );
};
