import { join } from 'node:path';
import { locateNats, startNatsServer, type NatsLocation } from '@millrace/embedded';
import { natsServerConfig } from '@millrace/event-bus';
import type { ServiceManifest } from '@millrace/contracts';
import type { CliConfig } from '../cli.config.ts';
import type { Home } from '../home/home.ts';
import { writePrivate } from '../home/private-file.ts';
import { nkeyOf } from '../home/secret.ts';
import type { Part } from '../supervisor/part.ts';
import { natsGreets } from './external-servers.ts';
import { usesNats } from './manifests.ts';
import type { PortPlan } from './port-plan.ts';

/** Kept outside the data folder, so that a new or thrown-away one doesn't download the server again. */
export const natsCache = (workspace: string): string => join(workspace, '.cache', 'millrace');

export const findNats = (config: CliConfig, onProgress: (message: string) => void): Promise<NatsLocation> =>
  locateNats({ explicit: config.natsServer, cacheDir: natsCache(config.workspace), onProgress });

/** Users and permissions from the manifests, ports and folders from the plan; rewritten at every start, so a moved folder is no trouble. */
export const writeNatsConfig = (home: Home, ports: PortPlan, manifests: readonly ServiceManifest[]): string => {
  const file = home.path('nats', 'nats.conf');
  writePrivate(file, natsServerConfig({
    host: '127.0.0.1', port: ports.nats, storeDir: home.path('nats', 'jetstream'),
    users: manifests.filter(usesNats).map((manifest) => ({ manifest, publicNkey: nkeyOf(home, manifest.service).publicKey })),
  }));
  return file;
};

export const natsPart = (home: Home, binary: string, configFile: string, ports: PortPlan): Part => ({
  name: 'nats', url: `nats://127.0.0.1:${ports.nats}`,
  launch: async () => {
    const server = await startNatsServer({ binary, configFile, runDir: home.path('nats', 'run'), logFile: home.path('logs', 'nats.log') });
    return { pid: server.pid, exited: server.exited, stop: () => server.stop() };
  },
  // Its monitoring would tell anybody on the machine which services and tenants there are.
  healthy: () => natsGreets(`nats://127.0.0.1:${ports.nats}`),
});
