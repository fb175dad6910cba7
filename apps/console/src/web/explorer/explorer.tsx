import { EventDetail } from './event-detail.tsx';
import { LogBrowser } from './log-browser.tsx';
import { TracedEvents } from './traced-events.tsx';

/** One event (`event`), the events behind a number (`metric`), or a log page by page. */
export const Explorer = ({ tenant, query }: { readonly tenant: string; readonly query: URLSearchParams }) => {
  const event = query.get('event');
  const metric = query.get('metric');
  if (event !== null) return <EventDetail tenant={tenant} id={event} metric={metric ?? undefined} />;
  if (metric !== null) {
    return <TracedEvents question={{ metric, tenant, from: query.get('from') ?? undefined, to: query.get('to') ?? undefined, where: query.getAll('where') }} cursors={query.getAll('after')} />;
  }
  return <LogBrowser tenant={tenant} log={query.get('log') ?? undefined} after={Number(query.get('after') ?? 0)} />;
};
