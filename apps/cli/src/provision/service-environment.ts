import type { ServiceManifest } from '@millrace/contracts';
import { REDACTOR } from '@millrace/event-store';
import { urlFor, type LoginRole } from './databases.ts';
import type { LedgerKeys } from './ledger-keys.ts';
import { asksForKeys, roleOf, usesEvents, usesNats } from './manifests.ts';
import type { ClusterName } from './postgres-cluster.ts';
import type { PortPlan } from './port-plan.ts';

export const HTTP_SERVICES = ['security', 'backbone', 'ingestion', 'analytics', 'warehouse', 'console'] as const;
export type HttpService = (typeof HTTP_SERVICES)[number];

/** Databases of one name each: the log, and security's keys. Read models are named by their service's manifest. */
export const EVENTS_DATABASE = 'millrace_events';
export const KEYS_DATABASE = 'millrace_keys';

/** All that a service's environment is made of. */
export interface EnvironmentPlan {
  readonly ports: PortPlan;
  readonly inherited: Readonly<Record<string, string>>;
  readonly adminUrls: Readonly<Record<ClusterName, string>>;
  /** Those of them that we run ourselves and nobody else uses. */
  readonly ownServers: readonly ClusterName[];
  readonly natsUrl: string;
  readonly dataDir: string;
  readonly segmentsDir: string;
  readonly ledger: LedgerKeys;
  readonly apiTokenDigests: string;
  readonly rootKeyFile: string;
  password(service: string): string;
  nkeySeedFile(service: string): string;
  xkey(service: string): { publicKey: string; seedFile: string };
  apiTokenFile(principal: 'operator' | 'console'): string;
  /** Services that may ask for keys. */
  readonly keyAskers: readonly string[];
}

type Environment = Record<string, string>;

const isHttpService = (name: string): name is HttpService => (HTTP_SERVICES as readonly string[]).includes(name);

export const loginRole = (plan: EnvironmentPlan, service: string): LoginRole => ({ name: roleOf(service), password: plan.password(service) });

/** No service has this password: only `millrace redact` reads it. */
export const redactorRole = (plan: Pick<EnvironmentPlan, 'password'>): LoginRole => ({ name: REDACTOR, password: plan.password('redactor') });

const addresses = (ports: PortPlan): Environment => Object.fromEntries(HTTP_SERVICES.map((name) => [`MILLRACE_${name.toUpperCase()}_HTTP_URL`, `http://127.0.0.1:${ports[name]}`]));

const postgresVariables = (plan: EnvironmentPlan, manifest: ServiceManifest): Environment => {
  const role = loginRole(plan, manifest.service);
  const [database] = manifest.databases;
  return {
    ...(usesEvents(manifest) ? { MILLRACE_EVENTS_URL: urlFor(plan.adminUrls.events, EVENTS_DATABASE, role), MILLRACE_SEGMENTS_DIR: plan.segmentsDir } : {}),
    ...(database === undefined ? {} : { MILLRACE_DATABASE_URL: urlFor(plan.adminUrls.reads, database, role) }),
    ...(manifest.keys ? { MILLRACE_KEYS_URL: urlFor(plan.adminUrls.keys, KEYS_DATABASE, role), MILLRACE_ROOT_KEY_FILE: plan.rootKeyFile } : {}),
  };
};

const busVariables = (plan: EnvironmentPlan, manifest: ServiceManifest): Environment => ({
  ...(usesNats(manifest) ? { MILLRACE_NATS_URL: plan.natsUrl, MILLRACE_NATS_SEED_FILE: plan.nkeySeedFile(manifest.service) } : {}),
  ...(asksForKeys(manifest) || manifest.keys ? { MILLRACE_XKEY_SEED_FILE: plan.xkey(manifest.service).seedFile, MILLRACE_SECURITY_XKEY: plan.xkey('security').publicKey } : {}),
  ...(manifest.keys ? { MILLRACE_XKEYS: plan.keyAskers.map((name) => `${name}:${plan.xkey(name).publicKey}`).join(',') } : {}),
});

const ledgerVariables = ({ ledger, ports }: EnvironmentPlan): Environment => ({
  MILLRACE_LEDGER_SEED_FILE: ledger.logSeedFile, MILLRACE_LEDGER_DIR: ledger.mirrorDir,
  MILLRACE_WITNESS_HTTP_URL: `http://127.0.0.1:${ports.witness}`, MILLRACE_WITNESS_KEY: ledger.witnessKey,
});

/** The witness has no role in any database and no place on the bus: it sees what is submitted to it. */
export const witnessEnvironment = ({ inherited, ports, apiTokenDigests, ledger }: EnvironmentPlan): Environment => ({
  ...inherited,
  NODE_ENV: 'production',
  MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: String(ports.witness), MILLRACE_API_TOKENS: apiTokenDigests,
  MILLRACE_WITNESS_SEED_FILE: ledger.witnessSeedFile, MILLRACE_WITNESS_DIR: ledger.witnessDir, MILLRACE_WITNESS_LOG_KEYS: ledger.logKey,
});

/** The environment of one service (docs/architecture.md): its own credentials and nobody else's. */
export const serviceEnvironment = (plan: EnvironmentPlan, manifest: ServiceManifest): Environment => ({
  ...plan.inherited,
  NODE_ENV: 'production',
  ...addresses(plan.ports),
  ...(isHttpService(manifest.service)
    ? { MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: String(plan.ports[manifest.service]), MILLRACE_API_TOKENS: plan.apiTokenDigests }
    : {}),
  ...postgresVariables(plan, manifest),
  ...busVariables(plan, manifest),
  ...(manifest.service === 'console' ? { MILLRACE_API_TOKEN_FILE: plan.apiTokenFile('console'), MILLRACE_SUPERVISOR_URL: `http://127.0.0.1:${plan.ports.supervisor}` } : {}),
  ...(manifest.relay ? ledgerVariables(plan) : {}),
  ...(manifest.service === 'warehouse' ? { MILLRACE_DATA_DIR: plan.dataDir } : {}),
});
