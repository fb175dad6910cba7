export interface LogState { readonly tenant: string; readonly log: string; readonly epoch: number; readonly head: number; readonly relayed?: number | null; readonly state?: string; readonly reason?: string }
export interface ConsumerState { readonly tenant: string; readonly log: string; readonly position: number; readonly state: string; readonly reason?: string; readonly parked?: number }
export interface SourceSums { readonly tenant: string; readonly source: string; readonly received: number; readonly accepted: number; readonly duplicate: number; readonly rejected: number; readonly unanswered: number }

export interface CountDifference { readonly kind: string; readonly about: string; readonly expected: string; readonly actual: string; readonly since: string }

/** Age of the oldest snapshot somebody holds open on the event database: while it grows, nothing that was replaced since is cleaned up. */
export interface OldestSnapshot { readonly snapshotSeconds: number; readonly thresholdSeconds: number; readonly alert: boolean }

/** Parts that couldn't be had are missing. */
export interface SystemView {
  readonly services: readonly { readonly name: string; readonly healthy: boolean; readonly problems: Readonly<Record<string, string>> }[];
  readonly logs?: readonly LogState[];
  readonly consumers: readonly { readonly name: string; readonly consumers?: readonly ConsumerState[] }[];
  readonly sources?: readonly SourceSums[];
  /** Counts that must agree and do not. */
  readonly differences?: readonly CountDifference[];
  readonly snapshot?: Partial<OldestSnapshot>;
}

export interface NamedConsumer { readonly name: string; readonly position?: number; readonly state?: string; readonly reason?: string; readonly parked?: number }

/** Consumers of one log by service, at least one row so that a log nobody reads is still shown. */
export const consumersOf = (view: SystemView, log: LogState): NamedConsumer[] => {
  const found = view.consumers.flatMap(({ name, consumers = [] }) => consumers.filter((each) => each.tenant === log.tenant && each.log === log.log).map((each) => ({ ...each, name })));
  return found.length > 0 ? found : [{ name: '' }];
};

/** What the page says of the oldest snapshot; undefined while nobody could tell. */
export const snapshotLine = ({ snapshotSeconds, thresholdSeconds, alert }: Partial<OldestSnapshot> = {}): { readonly state: 'good' | 'bad'; readonly text: string } | undefined => {
  if (snapshotSeconds === undefined || thresholdSeconds === undefined) return undefined;
  const age = `oldest open snapshot: ${snapshotSeconds.toFixed(1)} s`;
  return alert === true
    ? { state: 'bad', text: `${age}, over ${thresholdSeconds} s: look in pg_stat_activity for who holds it and end that session` }
    : { state: 'good', text: age };
};

/** Events between a consumer and the head; empty when nobody reads. */
export const lagOf = (log: LogState, consumer: NamedConsumer): string => (consumer.position === undefined ? '' : String(Math.max(0, log.head - consumer.position)));
