import { describe, expect, it } from '@jest/globals';
import type { ServiceManifest } from '@millrace/contracts';
import { cliConfigFrom } from '../cli.config.ts';
import { addressOf, urlFor } from './databases.ts';
import { asksForKeys, roleOf, usesEvents, usesNats, usesPostgres } from './manifests.ts';
import { parsePort, portPlan } from './port-plan.ts';
import { scramVerifier } from './scram-verifier.ts';
import { serviceEnvironment, witnessEnvironment, type EnvironmentPlan } from './service-environment.ts';

const manifest = (service: string, rest: Partial<ServiceManifest> = {}): ServiceManifest =>
  ({ service, owner: 'team', appends: [], reads: [], asks: [], answers: [], relay: false, databases: [], keys: false, slo: 'x', ...rest });

const plan: EnvironmentPlan = {
  ports: portPlan(7400), inherited: { PATH: '/bin' },
  adminUrls: { events: 'postgres://postgres:root@127.0.0.1:7411/postgres', reads: 'postgres://postgres:root@127.0.0.1:7412/postgres', keys: 'postgres://postgres:root@127.0.0.1:7413/postgres' },
  ownServers: ['events', 'reads', 'keys'],
  ledger: {
    logKey: 'millrace/ledger+00000000+AA==', logSeedFile: '/data/secrets/ledger.seed', witnessKey: 'millrace/witness+00000000+AA==', witnessSeedFile: '/data/secrets/witness.seed',
    mirrorDir: '/data/ledger/leaves', witnessDir: '/data/witness',
  },
  natsUrl: 'nats://127.0.0.1:7421', dataDir: '/data/warehouse', segmentsDir: '/data/segments', apiTokenDigests: 'operator:aa', rootKeyFile: '/data/secrets/root.key',
  password: (service) => `pw-${service}`, nkeySeedFile: (service) => `/data/secrets/${service}.nkey`,
  xkey: (service) => ({ publicKey: `X-${service}`, seedFile: `/data/secrets/${service}.xkey` }), apiTokenFile: (principal) => `/data/secrets/${principal}.token`,
  keyAskers: ['ingestion'],
};

describe('the environment of a service', () => {
  it('gives ingestion its own role on events and read models, its nkey and security\'s public key', () => {
    const environment = serviceEnvironment(plan, manifest('ingestion', { appends: ['sales'], databases: ['ingestion'], asks: ['query.security.keys.resolve'], answers: ['cmd.inventory.>'] }));
    expect(environment).toMatchObject({
      PATH: '/bin', MILLRACE_HTTP_PORT: '7401', MILLRACE_API_TOKENS: 'operator:aa',
      MILLRACE_EVENTS_URL: 'postgres://millrace_ingestion:pw-ingestion@127.0.0.1:7411/millrace_events',
      MILLRACE_DATABASE_URL: 'postgres://millrace_ingestion:pw-ingestion@127.0.0.1:7412/ingestion',
      MILLRACE_NATS_SEED_FILE: '/data/secrets/ingestion.nkey', MILLRACE_XKEY_SEED_FILE: '/data/secrets/ingestion.xkey', MILLRACE_SECURITY_XKEY: 'X-security',
    });
    expect(environment).not.toHaveProperty('MILLRACE_KEYS_URL');
    expect(environment).not.toHaveProperty('MILLRACE_ROOT_KEY_FILE');
  });

  it('gives the key database, the root key and the list of askers to security alone', () => {
    expect(serviceEnvironment(plan, manifest('security', { appends: ['security'], databases: ['security'], keys: true, answers: ['query.security.>'] }))).toMatchObject({
      MILLRACE_KEYS_URL: 'postgres://millrace_security:pw-security@127.0.0.1:7413/millrace_keys', MILLRACE_ROOT_KEY_FILE: '/data/secrets/root.key', MILLRACE_XKEYS: 'ingestion:X-ingestion',
    });
  });

  it('gives the console a token and no database, the warehouse its folder', () => {
    const console = serviceEnvironment(plan, manifest('console'));
    expect(console).toMatchObject({ MILLRACE_HTTP_PORT: '7400', MILLRACE_API_TOKEN_FILE: '/data/secrets/console.token', MILLRACE_ANALYTICS_HTTP_URL: 'http://127.0.0.1:7403', MILLRACE_SUPERVISOR_URL: 'http://127.0.0.1:7420' });
    expect(serviceEnvironment(plan, manifest('analytics'))).not.toHaveProperty('MILLRACE_SUPERVISOR_URL');
    expect(Object.keys(console).filter((name) => /EVENTS_URL|DATABASE_URL|KEYS_URL|SEED/.test(name))).toEqual([]);
    expect(serviceEnvironment(plan, manifest('warehouse', { reads: ['sales'] }))).toMatchObject({ MILLRACE_DATA_DIR: '/data/warehouse', MILLRACE_SEGMENTS_DIR: '/data/segments' });
    expect(console).not.toHaveProperty('MILLRACE_SEGMENTS_DIR');
  });

  it('gives backbone the key it signs with and the witness\'s public one, and the witness nothing but its own', () => {
    expect(serviceEnvironment(plan, manifest('backbone', { relay: true }))).toMatchObject({
      MILLRACE_LEDGER_SEED_FILE: '/data/secrets/ledger.seed', MILLRACE_LEDGER_DIR: '/data/ledger/leaves',
      MILLRACE_WITNESS_HTTP_URL: 'http://127.0.0.1:7406', MILLRACE_WITNESS_KEY: plan.ledger.witnessKey,
    });
    expect(serviceEnvironment(plan, manifest('ingestion', { appends: ['sales'] }))).not.toHaveProperty('MILLRACE_LEDGER_SEED_FILE');
    expect(Object.keys(witnessEnvironment(plan)).toSorted()).toEqual([
      'MILLRACE_API_TOKENS', 'MILLRACE_HTTP_HOST', 'MILLRACE_HTTP_PORT',
      'MILLRACE_WITNESS_DIR', 'MILLRACE_WITNESS_LOG_KEYS', 'MILLRACE_WITNESS_SEED_FILE',
      'NODE_ENV', 'PATH',
    ]);
  });

  it('never holds the superuser\'s login', () => {
    for (const service of ['ingestion', 'security', 'analytics', 'warehouse', 'backbone', 'console']) {
      const all = serviceEnvironment(plan, manifest(service, { relay: true, keys: true, reads: ['sales'], databases: [service] }));
      expect(JSON.stringify(all)).not.toContain('postgres:root');
    }
  });
});

describe('a manifest', () => {
  it('says what a service touches', () => {
    const quiet = manifest('cli');
    expect([usesEvents, usesPostgres, usesNats, asksForKeys].map((asks) => asks(quiet))).toEqual([false, false, false, false]);
    expect(usesEvents(manifest('backbone', { relay: true }))).toBe(true);
    expect(usesNats(manifest('simulator', { asks: ['cmd.inventory.>'] }))).toBe(true);
    expect(asksForKeys(manifest('x', { asks: ['query.security.keys.find'] }))).toBe(true);
    expect(roleOf('edge-node')).toBe('millrace_edge_node');
  });
});

it('makes addresses with and without a login, quoting what must be', () => {
  const url = urlFor('postgres://admin:a@db:5432/postgres', 'x', { name: 'r', password: 'p/@:' });
  expect(new URL(url).pathname).toBe('/x');
  expect(decodeURIComponent(new URL(url).password)).toBe('p/@:');
  expect(addressOf(url)).toBe('postgres://db:5432/x');
});

it('makes the SCRAM verifier of RFC 7677\'s example', () => {
  const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  expect(verifier).toBe('SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
});

describe('ports', () => {
  it('are counted from the base', () => {
    expect(portPlan(7600)).toMatchObject({ console: 7600, ingestion: 7601, 'postgres-keys': 7613, supervisor: 7620, nats: 7621 });
  });
  it.each(['80', '65501', 'x', '7400.5', '-1', ''])('refuse "%s"', (text) => {
    expect(() => parsePort(text)).toThrow(/--port wants a number/);
  });
});

describe('the command line\'s own config', () => {
  it('takes MILLRACE_HOME, external servers, and passes on only what services need', () => {
    const config = cliConfigFrom({ MILLRACE_HOME: 'data', MILLRACE_POSTGRES_URL: 'postgres://x', MILLRACE_NATS_URL: '', PATH: '/bin', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o', MILLRACE_INTAKE_THREADS: '3', AWS_SECRET_ACCESS_KEY: 'no' }, '/somewhere');
    expect(config.home).toBe('/somewhere/data');
    expect(config.external).toEqual({ reads: 'postgres://x' });
    expect(config.inherited).toEqual({ PATH: '/bin', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o', MILLRACE_INTAKE_THREADS: '3' });
  });
});
