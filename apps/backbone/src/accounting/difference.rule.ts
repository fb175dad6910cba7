/** Counts of one source: of the counters before and after the log was counted, and of the log itself. */
export interface SourceTally {
  readonly tenant: string;
  readonly source: string;
  readonly unanswered: number;
  readonly acceptedBefore: number;
  readonly acceptedAfter: number;
  /** Absent while the logs are not counted to their ends, or hold rows without their envelope. */
  readonly inLogs?: number;
}

/** Counts of one log at its head, of its stream, and of those who read it. */
export interface LogTally {
  readonly tenant: string;
  readonly log: string;
  readonly head: number;
  /** Ranges whose rows are not as many as their positions. */
  readonly ranges: readonly { readonly from: number; readonly to: number; readonly rows: number }[];
  /** What the log's stream keeps. Absent when there is none yet. */
  readonly stream?: { readonly first: number; readonly last: number; readonly messages: number };
  readonly consumers: readonly { readonly name: string; readonly position: number; readonly taken?: number; readonly takenFrom?: number }[];
}

/** Two counts that must agree and do not. Both sides in words, as they stand in the fact. */
export interface Difference {
  readonly tenant: string;
  readonly kind: 'source-unaccounted' | 'source-accepted' | 'log-count' | 'relay-count' | 'consumer-count' | 'consumer-ahead';
  /** The source, the log, or consumer and log. */
  readonly about: string;
  readonly expected: string;
  readonly actual: string;
}

const ofSource = ({ tenant, source, unanswered, acceptedBefore, acceptedAfter, inLogs }: SourceTally): Difference[] => [
  // Receipts go before outcomes: more outcomes than receipts means that one of them was counted twice, or a receipt was lost.
  ...(unanswered < 0 ? [{ tenant, kind: 'source-unaccounted' as const, about: source, expected: 'accepted + duplicate + rejected no more than received', actual: `${-unanswered} more than received` }] : []),
  // Counters move in the transaction of their events, so the log counted in between lies in between.
  ...(inLogs !== undefined && (inLogs < acceptedBefore || inLogs > acceptedAfter)
    ? [{ tenant, kind: 'source-accepted' as const, about: source, expected: `${acceptedBefore === acceptedAfter ? acceptedBefore : `${acceptedBefore} to ${acceptedAfter}`} events accepted`, actual: `${inLogs} events in the logs` }] : []),
];

const ofStream = ({ tenant, log, head, stream }: LogTally): Difference[] => {
  if (!stream) return [];
  const kept = stream.last - stream.first + 1;
  if (stream.last > head) return [{ tenant, kind: 'relay-count', about: log, expected: `at most ${head} relayed`, actual: `the stream ends at ${stream.last}` }];
  return stream.messages === kept ? [] : [{ tenant, kind: 'relay-count', about: log, expected: `${kept} messages from ${stream.first} to ${stream.last}`, actual: `${stream.messages} messages` }];
};

const ofConsumers = ({ tenant, log, head, consumers }: LogTally): Difference[] => consumers.flatMap(({ name, position, taken, takenFrom = 0 }): Difference[] => {
  const about = `${name}/${log}`;
  if (position > head) return [{ tenant, kind: 'consumer-ahead', about, expected: `at most ${head} consumed`, actual: `stands at ${position}` }];
  if (taken === undefined || taken === position - takenFrom) return [];
  return [{ tenant, kind: 'consumer-count', about, expected: `${position - takenFrom} events from ${takenFrom + 1} to ${position}`, actual: `${taken} events taken` }];
});

const ofLog = (tally: LogTally): Difference[] => [
  ...tally.ranges.slice(0, 1).map(({ from, to, rows }): Difference => ({ tenant: tally.tenant, kind: 'log-count', about: tally.log, expected: `${to - from + 1} events from ${from} to ${to}`, actual: `${rows} events` })),
  ...ofStream(tally), ...ofConsumers(tally),
];

/** Everything that does not add up. Pure. */
export const differencesOf = (sources: readonly SourceTally[], logs: readonly LogTally[]): Difference[] => [...sources.flatMap(ofSource), ...logs.flatMap(ofLog)];

/** What a difference is known by: when its numbers move it is still the same one. */
export const differenceKey = ({ tenant, kind, about }: Pick<Difference, 'tenant' | 'kind' | 'about'>): string => `${tenant} ${kind} ${about}`;
