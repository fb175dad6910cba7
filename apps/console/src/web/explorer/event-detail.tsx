import { useQuery } from '../query-hook.ts';
import { grouped } from '../format.ts';
import { followed } from '../route.ts';
import { Failed, Loading } from '../states.tsx';
import { DataTree } from './data-tree.tsx';
import type { EventView } from './event-view.ts';

/** One event with its envelope, its place, and the leaf that proves it. */
export const EventDetail = ({ tenant, id }: { readonly tenant: string; readonly id: string }) => {
  const { data, problem, reload } = useQuery<EventView>(`/api/events/${encodeURIComponent(id)}?${new URLSearchParams({ tenant })}`);
  if (problem) return <><h1>Event</h1><Failed problem={problem} onRetry={reload} /></>;
  if (!data) return <Loading what="the event" />;
  const around = `/explorer?${new URLSearchParams({ tenant, log: data.log, after: String(Math.max(0, data.position - 25)) })}`;
  const place: readonly (readonly [string, string])[] = [['log', data.log], ['position', grouped(String(data.position))], ['epoch', String(data.epoch)], ['stream version', String(data.streamVersion)], ['leaf', data.leaf], ['salt', data.salt]];
  return (
    <>
      <h1>{data.envelope.type}</h1>
      <p><a href={around} onClick={followed}>Neighbours in {data.log}</a></p>
      <div className="columns">
        <section aria-labelledby="place">
          <h2 id="place">Place and proof</h2>
          <table className="facts"><tbody>{place.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td className="hash">{value}</td></tr>)}</tbody></table>
          <h2>Envelope</h2>
          <table className="facts"><tbody>{Object.entries(data.envelope).map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td className="hash">{String(value)}</td></tr>)}</tbody></table>
        </section>
        <section aria-labelledby="data">
          <h2 id="data">Data{data.current && `, as stored in version ${data.envelope['version']}`}</h2>
          <DataTree value={data.data} />
          {data.current && <><h2>Read today as version {data.current.version}</h2><DataTree value={data.current.data} /></>}
        </section>
      </div>
    </>
  );
};
