import { clusterVersion, startPostgresServer } from '@millrace/embedded';
import { DomainError } from '@millrace/kernel';
import { archiveSettings } from '../backup/wal-archive.ts';
import type { Home } from '../home/home.ts';
import { postgresPassword } from '../home/secret.ts';
import { freeDataFolder } from '../supervisor/leftover.ts';
import type { Part } from '../supervisor/part.ts';
import { addressOf, answersQueries } from './databases.ts';

export type ClusterName = 'events' | 'reads' | 'keys';
export const CLUSTERS: readonly ClusterName[] = ['events', 'reads', 'keys'];

export interface Cluster {
  readonly name: ClusterName;
  /** As superuser, database `postgres`. */
  readonly adminUrl: string;
  readonly part: Part;
}

export const POSTGRES_MAJOR = '18';

/** Small instances: most memory goes to the services. Statements and row values stay out of the server's log, they may be personal. */
const SMALL = {
  fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', shared_buffers: '32MB', max_connections: '60', work_mem: '8MB',
  maintenance_work_mem: '32MB', max_wal_size: '512MB', min_wal_size: '64MB', jit: 'off', io_method: 'sync', max_worker_processes: '4',
  max_parallel_workers: '2', log_min_error_statement: 'panic', log_error_verbosity: 'terse', log_checkpoints: 'off',
};
const SETTINGS: Record<ClusterName, Readonly<Record<string, string>>> = {
  events: { ...SMALL, shared_buffers: '64MB', max_connections: '100', max_wal_size: '1GB' },
  reads: { ...SMALL, work_mem: '16MB' },
  keys: { ...SMALL, max_connections: '30', work_mem: '4MB' },
};

const external = (name: ClusterName, adminUrl: string): Cluster =>
  ({ name, adminUrl, part: { name: `postgres-${name}`, url: addressOf(adminUrl), healthy: () => answersQueries(adminUrl) } });

/** One of the three Postgres instances as a part to supervise: started over `<home>/postgres/<name>`, or somebody else's by address. */
export const postgresCluster = (home: Home, name: ClusterName, port: number, externalUrl?: string): Cluster => {
  if (externalUrl !== undefined) return external(name, externalUrl);
  const dataDir = home.path('postgres', name);
  const password = postgresPassword(home, `superuser-${name}`);
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const launch: Part['launch'] = async () => {
    await freeDataFolder(dataDir);
    const server = await startPostgresServer({ dataDir, superuserPassword: password, port, settings: { ...SETTINGS[name], ...(name === 'reads' ? {} : archiveSettings(home, name)) }, logFile: home.path('logs', `postgres-${name}.log`) });
    return { pid: server.pid, exited: server.exited, stop: () => server.stop() };
  };
  return { name, adminUrl, part: { name: `postgres-${name}`, url: addressOf(adminUrl), launch, healthy: () => answersQueries(adminUrl) } };
};

/** Throws `home-other-version` when a data folder was made by another major version of Postgres. */
export const requireClusterVersions = async (home: Home): Promise<void> => {
  for (const name of CLUSTERS) {
    const found = await clusterVersion(home.path('postgres', name));
    if (found !== undefined && found !== POSTGRES_MAJOR) {
      throw new DomainError('conflict', 'home-other-version', { found, expected: POSTGRES_MAJOR },
        `the data folder ${home.path('postgres', name)} was made by Postgres ${found}, this is Postgres ${POSTGRES_MAJOR}: use the Millrace that made it, or set MILLRACE_HOME to a new folder`);
    }
  }
};
