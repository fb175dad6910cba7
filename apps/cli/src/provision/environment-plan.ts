import type { ServiceManifest } from '@millrace/contracts';
import type { CliConfig } from '../cli.config.ts';
import type { Home } from '../home/home.ts';
import { apiToken, apiTokenDigests, nkeyOf, postgresPassword, rootKey, secretPath, xkeyOf } from '../home/secret.ts';
import { ledgerKeys } from './ledger-keys.ts';
import { asksForKeys } from './manifests.ts';
import { CLUSTERS, type Cluster } from './postgres-cluster.ts';
import type { PortPlan } from './port-plan.ts';
import type { EnvironmentPlan } from './service-environment.ts';

/** The plan of this data folder: every secret that is missing is made on the way. */
export const environmentPlan = (home: Home, config: CliConfig, ports: PortPlan, clusters: readonly Cluster[], manifests: readonly ServiceManifest[]): EnvironmentPlan => {
  rootKey(home);
  for (const principal of ['operator', 'console'] as const) apiToken(home, principal);
  const adminUrl = (name: Cluster['name']): string => clusters.find((cluster) => cluster.name === name)?.adminUrl ?? '';
  return {
    ports, inherited: config.inherited,
    adminUrls: { events: adminUrl('events'), reads: adminUrl('reads'), keys: adminUrl('keys') },
    ownServers: CLUSTERS.filter((name) => config.external[name] === undefined),
    natsUrl: config.external.nats ?? `nats://127.0.0.1:${ports.nats}`,
    dataDir: home.path('warehouse'),
    segmentsDir: home.path('segments'),
    ledger: ledgerKeys(home),
    apiTokenDigests: apiTokenDigests(home),
    rootKeyFile: secretPath(home, 'root.key'),
    password: (service) => postgresPassword(home, service),
    nkeySeedFile: (service) => nkeyOf(home, service).seedFile,
    xkey: (service) => xkeyOf(home, service),
    apiTokenFile: (principal) => secretPath(home, `${principal}.token`),
    keyAskers: manifests.filter((manifest) => !manifest.keys && asksForKeys(manifest)).map((manifest) => manifest.service),
  };
};
