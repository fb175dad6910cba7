import type { Server } from 'node:http';
import { join } from 'node:path';
import { finishExchange } from '../backup/restore.ts';
import type { CliConfig } from '../cli.config.ts';
import { externalAddresses, PlatformClient, runningFile, type RunningPlatform } from '../client/platform-client.ts';
import { openHome, type Home } from '../home/home.ts';
import { acquireLock } from '../home/lock.ts';
import { writePrivate } from '../home/private-file.ts';
import { apiToken } from '../home/secret.ts';
import { environmentPlan } from '../provision/environment-plan.ts';
import { natsGreets, requireExternalServers } from '../provision/external-servers.ts';
import { findNats, natsPart, writeNatsConfig } from '../provision/nats-server.ts';
import { PORT_OFFSETS, portPlan, requireFreePorts, type Listener, type PortPlan } from '../provision/port-plan.ts';
import { CLUSTERS, postgresCluster, requireClusterVersions, type Cluster } from '../provision/postgres-cluster.ts';
import { prepareDatabases } from '../provision/prepare-databases.ts';
import { HTTP_SERVICES, type EnvironmentPlan } from '../provision/service-environment.ts';
import type { ServiceManifest } from '@millrace/contracts';
import { readServiceManifests } from '@millrace/service-kit/manifest-files';
import { serveSupervisor } from './endpoint.ts';
import { endLeftovers } from './leftover.ts';
import { alsoLogged, keepLogsBounded } from './log-rotation.ts';
import type { Part, Report } from './part.ts';
import { Platform } from './platform.ts';
import { servicePart, witnessPart } from './service-part.ts';
import { simulatorPart } from './simulator-part.ts';

export interface SupervisionOptions {
  readonly port: number;
  readonly demo: boolean;
  /** Servers only, no services: what the tests of the provisioning run. */
  readonly services: boolean;
}

export interface Supervision {
  readonly home: Home;
  readonly ports: PortPlan;
  readonly client: PlatformClient;
  /** Resolves once everything has been drained and let go. */
  stop(): Promise<void>;
}

/** Ports we listen on ourselves; those of servers run by others are not ours to ask for. */
const listenersOf = (config: CliConfig): Listener[] => {
  const { events, reads, keys, nats } = config.external;
  const others = new Set<Listener>([
    ...(events === undefined ? [] : ['postgres-events' as const]), ...(reads === undefined ? [] : ['postgres-reads' as const]),
    ...(keys === undefined ? [] : ['postgres-keys' as const]), ...(nats === undefined ? [] : ['nats' as const]),
  ]);
  return (Object.keys(PORT_OFFSETS) as Listener[]).filter((name) => !others.has(name));
};

interface Prepared {
  readonly config: CliConfig;
  readonly options: SupervisionOptions;
  readonly home: Home;
  readonly ports: PortPlan;
  readonly manifests: readonly ServiceManifest[];
  readonly clusters: readonly Cluster[];
  readonly plan: EnvironmentPlan;
  readonly platform: Platform;
  readonly client: PlatformClient;
  readonly report: Report;
}

const busPart = async ({ config, home, ports, manifests, report }: Prepared): Promise<Part[]> => {
  const configFile = writeNatsConfig(home, ports, manifests);
  if (config.external.nats !== undefined) {
    report('nats', `using ${config.external.nats}; it must know the users in ${configFile}`);
    const url = config.external.nats;
    return [{ name: 'nats', url, healthy: () => natsGreets(url) }];
  }
  const nats = await findNats(config, (message) => report('nats', message));
  return [natsPart(home, nats.binary, configFile, ports)];
};

const bringUp = async (prepared: Prepared): Promise<void> => {
  const { config, options, home, manifests, clusters, plan, platform, client, report } = prepared;
  await platform.bringUp([...clusters.map((cluster) => cluster.part), ...await busPart(prepared)]);
  if (!options.services) return platform.markComplete();
  report('databases', 'preparing roles, databases and the event log');
  await prepareDatabases(config.workspace, plan, manifests);
  const byName = (name: string): ServiceManifest | undefined => manifests.find((manifest) => manifest.service === name);
  const parts = HTTP_SERVICES.flatMap((service) => {
    const manifest = byName(service);
    if (manifest === undefined) return [];
    const part = servicePart(home, config.workspace, plan, { ...manifest, service });
    return manifest.relay ? [witnessPart(home, config.workspace, plan), part] : [part];
  });
  report('services', `starting ${parts.map((part) => part.name).join(', ')}`);
  await platform.bringUp(parts);
  if (options.demo) await platform.bringUp([simulatorPart(home, config.workspace, plan, client)]);
  platform.markComplete();
};

const prepare = async (config: CliConfig, options: SupervisionOptions, home: Home, report: Report): Promise<Prepared> => {
  const ports = portPlan(options.port);
  if (await finishExchange(home)) report('postgres-events', 'finished a restore that was cut off');
  await requireClusterVersions(home);
  await requireFreePorts(ports, listenersOf(config));
  await requireExternalServers(config);
  const manifests = readServiceManifests(join(config.workspace, 'apps'));
  const ownPorts = { events: ports['postgres-events'], reads: ports['postgres-reads'], keys: ports['postgres-keys'] };
  const clusters = CLUSTERS.map((name) => postgresCluster(home, name, ownPorts[name], config.external[name]));
  const plan = environmentPlan(home, config, ports, clusters, manifests);
  const client = new PlatformClient(ports, apiToken(home, 'operator'));
  const platform = new Platform(home, client.urlOf('supervisor'), report);
  return { config, options, home, ports, manifests, clusters, plan, platform, client, report };
};

/**
 * Starts the platform and keeps it running until `stop`. `stopAsked` is called when somebody asks over the endpoint. When anything
 * fails, or `cancelled` resolves on the way, what was started is drained before this rejects: nothing half-started is left.
 */
export const supervise = async (config: CliConfig, options: SupervisionOptions, tell: Report, stopAsked: () => void, cancelled: Promise<void>): Promise<Supervision> => {
  const home = openHome(config.home);
  const report = alsoLogged(home.path('logs', 'supervisor.log'), tell);
  const lock = acquireLock(home);
  let platform: Platform | undefined;
  let endpoint: Server | undefined;
  let endRotation: (() => void) | undefined;
  const letGo = async (): Promise<void> => {
    await platform?.stop();
    endRotation?.();
    endpoint?.closeAllConnections();
    endpoint?.close();
    lock.release();
  };
  try {
    const left = await endLeftovers(home);
    if (left > 0) report('supervisor', `ended ${left} processes an earlier run had left behind`);
    const prepared = await prepare(config, options, home, report);
    platform = prepared.platform;
    void cancelled.then(() => platform?.requestStop());
    endRotation = keepLogsBounded(home.path('logs'), (failure) => report('supervisor', `could not rotate a log: ${failure}`));
    endpoint = await serveSupervisor(prepared.ports.supervisor, { operator: apiToken(home, 'operator'), console: apiToken(home, 'console') }, { status: () => prepared.platform.status(), stop: stopAsked });
    writePrivate(home.path(...runningFile), JSON.stringify({ port: options.port, external: externalAddresses(config) } satisfies RunningPlatform));
    await bringUp(prepared);
    return { home, ports: prepared.ports, client: prepared.client, stop: letGo };
  } catch (error) {
    await letGo();
    throw error;
  }
};
