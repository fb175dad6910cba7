import { lockHolder } from '../home/lock.ts';
import { archiverState, type ArchiverState } from '../backup/wal-archive.ts';
import { homeAt } from '../home/home.ts';
import { postgresPassword } from '../home/secret.ts';
import { withAdmin } from '../provision/databases.ts';
import { connectPlatform, externalOf, notRunning, type PlatformClient } from '../client/platform-client.ts';
import type { Listener } from '../provision/port-plan.ts';
import type { SupervisorStatus } from '../supervisor/endpoint.ts';
import { alignedTable, megabytes } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type CommandContext, type Register } from './command-context.ts';

interface LogState { readonly tenant: string; readonly log: string; readonly epoch: number; readonly head: number; readonly relayed: number; readonly state?: string }
interface ConsumerState { readonly tenant: string; readonly log: string; readonly epoch: number; readonly position: number; readonly state: string; readonly reason?: string; readonly parked?: number }
interface SourceSum { readonly tenant: string; readonly source: string; readonly received: number; readonly accepted: number; readonly duplicate: number; readonly rejected: number; readonly unanswered: number }

interface OldestSnapshot { readonly snapshotSeconds: number; readonly thresholdSeconds: number; readonly alert: boolean }
interface Difference { readonly tenant: string; readonly kind: string; readonly about: string; readonly expected: string; readonly actual: string; readonly since: string }

interface NamedConsumer { readonly name: string; readonly position: number; readonly state: string; readonly reason?: string; readonly parked?: number }

export interface StatusDocument extends SupervisorStatus {
  readonly logs: readonly (LogState & { readonly consumers: readonly NamedConsumer[] })[];
  readonly sources: readonly SourceSum[];
  /** Of the event database; absent when backbone doesn't tell. */
  readonly oldestSnapshot?: OldestSnapshot;
  /** Counts that must agree and do not. */
  readonly differences: readonly Difference[];
  /** Whether the log of the event database is archived; absent where Postgres is run by others or does not answer. */
  readonly archive?: ArchiverState;
  /** Services whose part of this document could not be asked. */
  readonly unanswered: readonly string[];
}

/** Services that read logs and say how far they are. */
const CONSUMERS: readonly Listener[] = ['analytics', 'warehouse'];
const ASK_TIMEOUT_MS = 10_000;

/** Consumers beside the log they read. Consumers of logs that backbone doesn't list stay out. */
export const joinConsumers = (logs: readonly LogState[], byService: ReadonlyMap<string, readonly ConsumerState[]>): StatusDocument['logs'] => logs.map((log) => ({
  ...log,
  consumers: [...byService].flatMap(([name, states]) => states.filter((state) => state.tenant === log.tenant && state.log === log.log)
    .map(({ position, state, reason, parked }) => ({ name, position, state, ...(reason === undefined ? {} : { reason }), ...(parked === undefined ? {} : { parked }) }))),
}));

/** Asks every service; one that doesn't answer leaves its part empty and is named. */
export const gatherStatus = async (client: PlatformClient, tenant?: string): Promise<StatusDocument> => {
  const silent: string[] = [];
  const ask = async <T>(listener: Listener, path: string, none: T): Promise<T> => {
    try {
      return await client.call(listener, path, { query: { tenant }, timeoutMs: ASK_TIMEOUT_MS }) as T;
    } catch {
      silent.push(listener);
      return none;
    }
  };
  const [supervisor, { logs }, { sources }, { differences }, ...consumers] = await Promise.all([
    client.call('supervisor', '/v1/status', { timeoutMs: ASK_TIMEOUT_MS }) as Promise<SupervisorStatus>,
    ask<{ logs: LogState[] }>('backbone', '/v1/logs', { logs: [] }),
    ask<{ sources: SourceSum[] }>('ingestion', '/v1/accounting', { sources: [] }),
    ask<{ differences: Difference[] }>('backbone', '/v1/differences', { differences: [] }),
    ...CONSUMERS.map((name) => ask<{ consumers: ConsumerState[] }>(name, '/v1/consumers', { consumers: [] })),
  ]);
  // Whether backbone answers is told by its logs already.
  const oldestSnapshot = await client.call('backbone', '/v1/snapshots', { timeoutMs: ASK_TIMEOUT_MS }).catch(() => undefined) as OldestSnapshot | undefined;
  const byService = new Map(CONSUMERS.map((name, index) => [name as string, consumers[index]?.consumers ?? []]));
  return { ready: supervisor.ready, services: supervisor.services, logs: joinConsumers(logs, byService), sources, differences, unanswered: [...new Set(silent)], ...(oldestSnapshot === undefined ? {} : { oldestSnapshot }) };
};

const differenceLines = ({ differences }: StatusDocument): string[] => (differences.length === 0 ? [] : ['', 'COUNTS THAT DIFFER',
  ...differences.map(({ tenant, kind, about, expected, actual, since }) => `  ${tenant} ${about} (${kind}): expected ${expected}; got ${actual}; since ${since}`)]);

const archiveLines = ({ archive }: StatusDocument): string[] => {
  if (archive === undefined) return [];
  if (!archive.archiving) return ['', 'log archive: off; the first `millrace backup` begins it'];
  return ['', archive.failing ? `log archive: FAILING at ${archive.lastFailed ?? 'a segment'}, ${archive.waitingSegments} segments wait: its folder is full or gone` : `log archive: through ${archive.lastArchived ?? 'nothing yet'}`];
};

/** Asked of Postgres itself, so that a full disk is seen while the services still run. */
const archiveOf = async ({ config }: CommandContext, client: PlatformClient): Promise<ArchiverState | undefined> => {
  if (externalOf(config).events !== undefined) return undefined;
  const url = `postgres://postgres:${postgresPassword(homeAt(config.home), 'superuser-events')}@127.0.0.1:${client.ports['postgres-events']}/postgres`;
  return withAdmin(url, (admin) => archiverState(admin, 'events')).catch(() => undefined); // the list of services says that it is away
};

/** Nothing while it is young. */
const snapshotLine = ({ oldestSnapshot }: StatusDocument): string[] => (oldestSnapshot?.alert === true
  ? [`OLD SNAPSHOT: open for ${Math.round(oldestSnapshot.snapshotSeconds)} s on the event database (reported beyond ${oldestSnapshot.thresholdSeconds} s): it keeps dead rows from being removed`] : []);

const inWords = (status: StatusDocument): string => {
  const total = status.services.reduce((sum, service) => sum + service.pssBytes, 0);
  const services = alignedTable(['service', 'health', 'memory', 'restarts', 'address'],
    status.services.map((service) => [service.name, service.healthy ? 'healthy' : 'NOT HEALTHY', megabytes(service.pssBytes), service.restarts, service.url]));
  const logs = alignedTable(['tenant', 'log', 'head', 'relayed', 'consumers'], status.logs.map((log) => [log.tenant, log.log, log.head, `${log.relayed}${log.state === 'diverged' ? ' DIVERGED' : ''}`,
    log.consumers.map((consumer) => `${consumer.name} ${consumer.position}${consumer.state === 'diverged' || consumer.state === 'stopped' ? ` ${consumer.state.toUpperCase()}` : ''}`).join(', ')]));
  const sources = alignedTable(['tenant', 'source', 'received', 'accepted', 'duplicate', 'rejected', 'unanswered'],
    status.sources.map((sum) => [sum.tenant, sum.source, sum.received, sum.accepted, sum.duplicate, sum.rejected, sum.unanswered]));
  return [status.ready ? 'ready' : 'NOT READY', '', services, `memory together: ${megabytes(total)}`, ...snapshotLine(status), '', logs, '', sources, ...differenceLines(status), ...archiveLines(status)].join('\n');
};

/** Who stands still because log and copy are no longer the same history. */
const divergedIn = (logs: StatusDocument['logs']): string[] => logs.flatMap((log) =>
  [...(log.state === 'diverged' ? ['relay'] : []), ...log.consumers.filter(({ state }) => state === 'diverged').map(({ name }) => name)].map((who) => `${who} at ${log.tenant} ${log.log}`));

/** What is wrong though everything runs. */
const badNews = ({ differences, archive, logs, services, unanswered }: StatusDocument): string[] => [
  // One that isn't there, or isn't well, is told of as that.
  ...unanswered.filter((name) => services.some((service) => service.name === name && service.healthy)).map((name) => `${name} did not answer: its part is missing`),
  ...(divergedIn(logs).length === 0 ? [] : [`diverged: ${divergedIn(logs).join(', ')}; see \`millrace recover\``]),
  ...(differences.length === 0 ? [] : [`${differences.length} counts differ: ${differences.map(({ kind, about }) => `${kind} ${about}`).join(', ')}`]),
  ...(archive?.failing ? [`the log of the event database can't be archived (${archive.lastFailed ?? 'a segment'}): make room in its folder; appends go on, and nothing newer can be restored`] : []),
];

export const registerStatus: Register = (program, context) => {
  withTenant(program.command('status').description('health, memory, logs, lags and sums per source, of all tenants unless one is named'))
    .action(async ({ tenant, json }: { tenant?: string; json?: boolean }) => {
      const { home } = context.config;
      if (lockHolder(homeAt(home)) === undefined) throw notRunning(home);
      const client = connectPlatform(home);
      const [gathered, archive] = await Promise.all([gatherStatus(client, tenant), archiveOf(context, client)]);
      const status: StatusDocument = { ...gathered, ...(archive ? { archive } : {}) };
      present(context.terminal, json === true, status, () => inWords(status));
      for (const news of badNews(status)) {
        context.terminal.err(`millrace: ${news}`);
        context.fail();
      }
      if (status.ready) return;
      const unwell = status.services.filter((service) => !service.healthy).map((service) => service.name);
      context.terminal.err(`millrace: not ready${unwell.length === 0 ? ', still starting' : `: ${unwell.join(', ')} not healthy, see ${home}/logs`}`);
      context.fail();
    });
};
