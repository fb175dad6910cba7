/** Question about a metric, as it stands in an explorer address and in an API path. `where` are `key=value` texts. */
export interface MetricQuestion {
  readonly metric: string;
  readonly tenant: string;
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly where?: readonly string[];
}

const pairsOf = ({ tenant, by, from, to, where = [] }: Omit<MetricQuestion, 'metric'>): [string, string][] => [
  ['tenant', tenant],
  ...(by === undefined ? [] : [['by', by] as [string, string]]),
  ...(from === undefined ? [] : [['from', from] as [string, string]]),
  ...(to === undefined ? [] : [['to', to] as [string, string]]),
  ...where.map((text): [string, string] => ['where', text]),
];

export const metricPath = (question: MetricQuestion, more: readonly [string, string][] = []): string =>
  `/api/metrics/${encodeURIComponent(question.metric)}?${new URLSearchParams([...pairsOf(question), ...more])}`;

export const tracePath = (question: MetricQuestion, more: readonly [string, string][] = []): string =>
  `/api/metrics/${encodeURIComponent(question.metric)}/events?${new URLSearchParams([...pairsOf({ ...question, by: undefined }), ...more])}`;

/** Where the console shows the events behind a number. */
export const traceAddress = (question: MetricQuestion): string =>
  `/explorer?${new URLSearchParams([['metric', question.metric], ...pairsOf({ ...question, by: undefined })])}`;

export const eventAddress = (tenant: string, id: string): string => `/explorer?${new URLSearchParams([['tenant', tenant], ['event', id]])}`;

/** The same page with some of its query set, or left out where undefined; what is not named stays. */
export const amended = ({ path, query }: { readonly path: string; readonly query: URLSearchParams }, changes: Readonly<Record<string, string | readonly string[] | undefined>>): string => {
  const kept = [...query].filter(([name]) => !(name in changes));
  const set = Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [value].flat()).map((each): [string, string] => [name, each]));
  return `${path}?${new URLSearchParams([...kept, ...set])}`;
};

/** A visitor who pages far keeps this many pages to go back by; an address has its length. */
const MOST_CURSORS = 20;

export const nextCursors = (cursors: readonly string[], next: string): string[] => [...cursors, next].slice(-MOST_CURSORS);
