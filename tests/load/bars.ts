/** A figure that was promised: where it stands in a kept result, and what it must be. */
export interface Bar {
  readonly bench: string;
  /** Path in the result, as `ratios.raw64`. */
  readonly at: string;
  readonly measure: string;
  readonly atLeast?: number;
  readonly below?: number;
  readonly unit?: 'ms' | 's';
}

const one = '64 callers, one event each (fsync, dedupe, expected version, leaf)';
const many = '512 callers, one event each';

/** Ratios are ours over the peer named, in one run on one server. */
export const BARS: readonly Bar[] = [
  { bench: 'append', at: 'ratios.raw64', measure: `${one}, over raw statements of 64`, atLeast: 0.7 },
  { bench: 'append', at: 'ratios.emmett64', measure: `${one}, over emmett-postgresql`, atLeast: 6 },
  { bench: 'append', at: 'ratios.messageDb64', measure: `${one}, over message-db`, atLeast: 9 },
  { bench: 'append', at: 'ratios.emmett512', measure: `${many}, over emmett-postgresql`, atLeast: 9 },
  { bench: 'append', at: 'ratios.messageDb512', measure: `${many}, over message-db`, atLeast: 12 },
  { bench: 'append', at: 'ratios.raw500', measure: 'batches of 500, over raw statements of 500', atLeast: 0.9 },
  { bench: 'append', at: 'acknowledgementMs.p99', measure: '99th percentile of acknowledgement at a quarter of peak (reported)', below: 50, unit: 'ms' },
  { bench: 'intake', at: 'ratios.rawPaused', measure: 'HTTP intake in batches of 500, consumers paused, over raw statements of 500', atLeast: 0.5 },
  { bench: 'intake', at: 'ratios.rawSustained', measure: 'the same sustained, every lag under 5 s', atLeast: 0.15 },
  { bench: 'intake', at: 'quarterOfPeakMs.p99', measure: '99th percentile of acknowledgement of requests of 500 at a quarter of peak (reported)', below: 50, unit: 'ms' },
  { bench: 'intake', at: 'requestToKpiMs.p99', measure: 'request to KPI, 99th percentile (reported)', below: 500, unit: 'ms' },
  { bench: 'relay', at: 'ratios.natsBench', measure: 'relay to a file stream, over `nats bench js pub async` of the same bytes', atLeast: 0.5 },
  { bench: 'read', at: 'ratios.rawCursor', measure: 'read 1M events from a position, over a raw cursor', atLeast: 0.8 },
  { bench: 'rebuild', at: 'ratios.rawCursor', measure: 'rebuild of per-customer totals with reads going on, over a raw cursor', atLeast: 0.2 },
  { bench: 'growth', at: 'ratios.at1M', measure: 'append rate with 1M events in the log, over the empty log', atLeast: 0.85 },
  { bench: 'growth', at: 'ratios.at3M', measure: 'append rate with 3M events in the log', atLeast: 0.85 },
  { bench: 'growth', at: 'ratios.at5M', measure: 'append rate with 5M events in the log', atLeast: 0.85 },
  { bench: 'growth', at: 'ratios.openSnapshot', measure: 'append rate behind a long open snapshot', atLeast: 0.85 },
  { bench: 'proof', at: 'inclusionMs', measure: 'inclusion proof at 5M leaves', below: 5, unit: 'ms' },
  { bench: 'proof', at: 'largestLagSeconds', measure: 'ledger behind the head at full load, largest lag', below: 10, unit: 's' },
  { bench: 'proof', at: 'catchUpSeconds', measure: 'ledger caught up after full load', below: 10, unit: 's' },
];

/** The number at a dotted path of a result; undefined when it isn't there. */
export const figureAt = (document: unknown, path: string): number | undefined => {
  let value = document;
  for (const name of path.split('.')) value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof value === 'number' ? value : undefined;
};

export const isReached = (bar: Bar, figure: number): boolean => (bar.atLeast === undefined || figure >= bar.atLeast) && (bar.below === undefined || figure < bar.below);
