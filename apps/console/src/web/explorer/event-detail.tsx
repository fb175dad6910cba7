import { amended } from '../address.ts';
import { grouped } from '../format.ts';
import { usePageTitle } from '../page.tsx';
import { useQuery } from '../query-hook.ts';
import { followed, useRoute } from '../route.ts';
import { Awaited } from '../states.tsx';
import { DataTree } from './data-tree.tsx';
import { EPOCH_MEANS, subjectsIn, type EventView } from './event-view.ts';

const Facts = ({ facts }: { readonly facts: readonly (readonly [string, string])[] }) => (
  <table className="facts"><tbody>{facts.map(([name, value]) => <tr key={name}><th scope="row" title={name === 'epoch' ? EPOCH_MEANS : undefined}>{name}</th><td className="hash">{value}</td></tr>)}</tbody></table>
);

const Data = ({ event }: { readonly event: EventView }) => {
  const [subject, other] = subjectsIn(event.data);
  const shared = other === undefined ? subject : undefined;
  return (
    <section aria-labelledby="data">
      <h2 id="data">Data{event.current && `, as stored in version ${event.envelope['version']}`}</h2>
      {shared !== undefined && <p className="quiet">Sealed fields are about <span className="hash">{shared}</span></p>}
      <DataTree value={event.data} subject={shared} />
      {event.current && <><h2>Read today as version {event.current.version}</h2><DataTree value={event.current.data} subject={shared} /></>}
    </section>
  );
};

/** One event with its envelope, its place, and the leaf that proves it. `metric` is the number whose trace led here. */
export const EventDetail = ({ tenant, id, metric }: { readonly tenant: string; readonly id: string; readonly metric?: string }) => {
  const route = useRoute();
  const query = useQuery<EventView>(`/api/events/${encodeURIComponent(id)}?${new URLSearchParams({ tenant })}`);
  const { data } = query;
  usePageTitle(data?.envelope.type ?? 'Event', tenant);
  const back = metric !== undefined && <a href={amended(route, { event: undefined })} onClick={followed}>Events behind {metric}</a>;
  if (!data) return <><h1>Event</h1>{back && <p>{back}</p>}<Awaited query={query} what="the event" /></>;
  const around = `/explorer?${new URLSearchParams({ tenant, log: data.log, after: String(Math.max(0, data.position - 25)) })}`;
  const place: readonly (readonly [string, string])[] = [['log', data.log], ['position', grouped(String(data.position))], ['epoch', String(data.epoch)], ['stream version', String(data.streamVersion)], ['leaf', data.leaf], ['salt', data.salt]];
  return (
    <>
      <h1>{data.envelope.type}</h1>
      <p>{back}{back && ' · '}<a href={around} onClick={followed}>Neighbours in {data.log}</a></p>
      <div className="columns">
        <section aria-labelledby="place">
          <h2 id="place">Place and proof</h2>
          <Facts facts={place} />
          <h2>Envelope</h2>
          <Facts facts={Object.entries(data.envelope).map(([name, value]) => [name, String(value)])} />
        </section>
        <Data event={data} />
      </div>
    </>
  );
};
