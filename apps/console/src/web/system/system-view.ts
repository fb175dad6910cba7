export interface LogState { readonly tenant: string; readonly log: string; readonly epoch: number; readonly head: number; readonly relayed?: number | null; readonly state?: string; readonly reason?: string }
export interface ConsumerState { readonly tenant: string; readonly log: string; readonly position: number; readonly state: string; readonly reason?: string; readonly parked?: number }
export interface SourceSums { readonly tenant: string; readonly source: string; readonly received: number; readonly accepted: number; readonly duplicate: number; readonly rejected: number; readonly unanswered: number }

export interface CountDifference { readonly kind: string; readonly about: string; readonly expected: string; readonly actual: string; readonly since: string }

/** Age of the oldest snapshot somebody holds open on the event database: while it grows, nothing that was replaced since is cleaned up. */
export interface OldestSnapshot { readonly snapshotSeconds: number; readonly thresholdSeconds: number; readonly alert: boolean }

export interface ServiceState { readonly name: string; readonly healthy: boolean; readonly problems: Readonly<Record<string, string>> }

/** What the supervisor knows of a process it runs. */
export interface ProcessState { readonly name: string; readonly healthy: boolean; readonly pssBytes: number; readonly restarts: number }

/** Parts that couldn't be had are missing, and named in `failed`. */
export interface SystemView {
  readonly services: readonly ServiceState[];
  /** Missing too where no supervisor runs the services, as in a cluster. */
  readonly processes?: readonly ProcessState[];
  readonly failed?: readonly string[];
  readonly logs?: readonly LogState[];
  readonly consumers: readonly { readonly name: string; readonly consumers?: readonly ConsumerState[] }[];
  readonly sources?: readonly SourceSums[];
  /** Counts that must agree and do not. */
  readonly differences?: readonly CountDifference[];
  readonly snapshot?: Partial<OldestSnapshot>;
}

export interface ServiceRow extends ServiceState { readonly pssBytes?: number; readonly restarts?: number }

/** Services with what the supervisor knows of them, then the other processes it runs: databases, the bus, itself. */
export const serviceRows = ({ services, processes = [] }: Pick<SystemView, 'services' | 'processes'>): ServiceRow[] => {
  const byName = new Map(processes.map((process) => [process.name, process]));
  const measured = ({ pssBytes, restarts }: Partial<ProcessState> = {}): Pick<ServiceRow, 'pssBytes' | 'restarts'> => ({ pssBytes, restarts });
  const others = processes.filter(({ name }) => !services.some((service) => service.name === name));
  return [...services.map((service) => ({ ...service, ...measured(byName.get(service.name)) })), ...others.map((process) => ({ name: process.name, healthy: process.healthy, problems: {}, ...measured(process) }))];
};

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
