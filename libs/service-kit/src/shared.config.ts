import { MAX_INSTANCES } from '@millrace/event-bus';
import { z } from 'zod';
import { clockOffset } from './drill-clock.ts';
import { integer, setting, type ConfigDefinition, type Setting, type SettingsOf } from './env.config.ts';

/** Who holds a bearer token: an engineer (cli) or the console's backend-for-frontend. */
export const PRINCIPALS = ['operator', 'console'] as const;
export type PrincipalName = (typeof PRINCIPALS)[number];

/** A token is kept only as its SHA-256, so that an environment listing doesn't give it away. */
export interface ApiToken {
  readonly principal: PrincipalName;
  /** 32 bytes. */
  readonly sha256: Buffer;
}

const TOKEN = /^(operator|console):([0-9a-f]{64})$/;

const apiTokens: z.ZodType<readonly ApiToken[]> = z.string().transform((text, context) => text.split(',').flatMap((entry): ApiToken[] => {
  const match = TOKEN.exec(entry.trim());
  if (match) return [{ principal: match[1] === 'operator' ? 'operator' : 'console', sha256: Buffer.from(match[2] ?? '', 'hex') }];
  context.issues.push({ code: 'custom', message: 'expected a comma-separated list of <operator|console>:<sha256 in hex>', input: '' });
  return [];
}));

const url = (about: string, protocol: RegExp) => z.url({ protocol, error: `expected ${about}` });

const postgresUrl = url('an address like postgres://role:password@host:port/database', /^postgres(ql)?$/);

/** Settings that any service may take; names are the table's in docs/architecture.md. */
export const shared = {
  eventsUrl: setting('MILLRACE_EVENTS_URL', postgresUrl, 'event database, with this service\'s own role', { secret: true }),
  databaseUrl: setting('MILLRACE_DATABASE_URL', postgresUrl, 'this service\'s read-model database', { secret: true }),
  keysUrl: setting('MILLRACE_KEYS_URL', postgresUrl, 'key database', { secret: true }),
  natsUrl: setting('MILLRACE_NATS_URL', url('an address like nats://host:port', /^(nats|tls)$/), 'NATS server'),
  instance: setting('MILLRACE_INSTANCE', integer(0, MAX_INSTANCES - 1).default(0), 'which of several running instances of this service it is: each needs a number of its own'),
  natsSeedFile: setting('MILLRACE_NATS_SEED_FILE', z.string(), 'file (0600) with this service\'s nkey seed'),
  xkeySeedFile: setting('MILLRACE_XKEY_SEED_FILE', z.string(), 'file (0600) with this service\'s curve key seed'),
  securityXkey: setting('MILLRACE_SECURITY_XKEY', z.string().regex(/^X[A-Z2-7]{55}$/, 'expected a public curve key: X and 55 more characters'), 'security\'s public curve key'),
  xkeys: setting('MILLRACE_XKEYS', z.string(), 'who may ask for keys: <service>:<public curve key>,…'),
  rootKeyFile: setting('MILLRACE_ROOT_KEY_FILE', z.string(), 'file (0600) with the root key'),
  apiTokenFile: setting('MILLRACE_API_TOKEN_FILE', z.string(), 'file (0600) with the bearer token to send'),
  segmentsDir: setting('MILLRACE_SEGMENTS_DIR', z.string().optional(), 'folder of the Parquet segments of archived ranges; unset: those can not be read'),
  dataDir: setting('MILLRACE_DATA_DIR', z.string(), 'folder this service keeps its files in'),
};

/** Base address of another service's HTTP interface, e.g. `serviceUrl('analytics')` reads MILLRACE_ANALYTICS_HTTP_URL. */
export const serviceUrl = (service: string): Setting<string> =>
  setting(`MILLRACE_${service.toUpperCase().replaceAll('-', '_')}_HTTP_URL`, url('an address like http://host:port', /^https?$/), `base address of ${service}`);

/** What every service with an HTTP interface takes. */
export interface HttpConfig {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly apiTokens: readonly ApiToken[];
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  readonly otlpEndpoint: string | undefined;
  /** In a fault drill alone: how far the service's clock is moved. */
  readonly clockOffsetMs?: number | undefined;
}

const httpSettings: SettingsOf<HttpConfig> = {
  httpHost: setting('MILLRACE_HTTP_HOST', z.string().default('127.0.0.1'), 'address to listen on'),
  httpPort: setting('MILLRACE_HTTP_PORT', integer(0, 65_535), 'port to listen on; 0 takes a free one'),
  apiTokens: setting('MILLRACE_API_TOKENS', apiTokens, 'bearer tokens accepted on non-public routes', { secret: true }),
  logLevel: setting('MILLRACE_LOG_LEVEL', z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'), 'least level logged'),
  otlpEndpoint: setting('OTEL_EXPORTER_OTLP_ENDPOINT', url('an address like http://host:port', /^https?$/).optional(), 'OpenTelemetry collector; unset: no telemetry is sent'),
  clockOffsetMs: setting('MILLRACE_CLOCK_OFFSET_MS', clockOffset, 'fault drills only: moves this service\'s clock'),
};

/** A service's config: the HTTP settings plus its own. Keys are what the code reads, `env` what an operator sets. */
export const defineConfig = <C>(service: string, settings: SettingsOf<C>): ConfigDefinition<HttpConfig & C> => {
  const all: SettingsOf<HttpConfig> & SettingsOf<C> = { ...httpSettings, ...settings };
  return { service, settings: all as SettingsOf<HttpConfig & C> };
};
