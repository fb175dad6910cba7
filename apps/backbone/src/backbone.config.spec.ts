import { describe, expect, it } from '@jest/globals';
import { VerifierKey } from '@millrace/ledger';
import { printableConfig, readConfig } from '@millrace/service-kit';
import { backboneConfig, migrateConfig } from './backbone.config.ts';

const env = {
  MILLRACE_HTTP_PORT: '7405', MILLRACE_API_TOKENS: `operator:${'ab'.repeat(32)}`, MILLRACE_EVENTS_URL: 'postgres://millrace_backbone:hush@127.0.0.1:7411/events',
  MILLRACE_NATS_URL: 'nats://127.0.0.1:7421', MILLRACE_NATS_SEED_FILE: '/secrets/backbone.seed',
  MILLRACE_LEDGER_SEED_FILE: '/secrets/ledger.seed', MILLRACE_LEDGER_DIR: '/ledger', MILLRACE_WITNESS_HTTP_URL: 'http://127.0.0.1:7406',
  MILLRACE_WITNESS_KEY: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
};
const read = (part: Record<string, string | undefined> = {}) => readConfig(backboneConfig, { ...env, ...part });
const problems = (part: Record<string, string | undefined>): readonly string[] => {
  const reading = read(part);
  return reading.ok ? [] : reading.problems;
};

describe('backbone\'s config', () => {
  it('is read, with a minute between folds', () => {
    expect(read()).toMatchObject({ ok: true, config: { httpHost: '127.0.0.1', httpPort: 7405, eventsUrl: env.MILLRACE_EVENTS_URL, natsUrl: env.MILLRACE_NATS_URL, natsSeedFile: env.MILLRACE_NATS_SEED_FILE, foldCountersMs: 60_000, streamMaxBytes: 256 * 1024 * 1024, streamMaxAgeMs: 604_800_000 } });
  });

  it('has no default for anything secret, nor for where its servers are', () => {
    for (const name of ['MILLRACE_API_TOKENS', 'MILLRACE_EVENTS_URL', 'MILLRACE_NATS_URL', 'MILLRACE_NATS_SEED_FILE']) expect(problems({ [name]: undefined })).toEqual([expect.stringContaining(`${name}: is not set`)]);
  });

  it.each([['MILLRACE_STREAM_MAX_BYTES', '1000'], ['MILLRACE_STREAM_MAX_AGE_MS', '7d'], ['MILLRACE_FOLD_COUNTERS_MS', '50'], ['MILLRACE_FOLD_COUNTERS_MS', 'often'], ['MILLRACE_FOLD_COUNTERS_MS', '200.5'], ['MILLRACE_EVENTS_URL', 'mysql://x/y'], ['MILLRACE_NATS_URL', 'http://127.0.0.1']])('refuses %s=%s', (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringContaining(`${name}: `)]);
  });

  it('names all problems at once, without the values', () => {
    const all = problems({ MILLRACE_EVENTS_URL: 'hush-hush', MILLRACE_FOLD_COUNTERS_MS: 'hush-hush', MILLRACE_NATS_URL: undefined });
    expect(all).toHaveLength(3);
    expect(all.join()).not.toContain('hush');
  });

  it('prints without its secrets', () => {
    const reading = read({ MILLRACE_FOLD_COUNTERS_MS: '500' });
    expect(reading.ok && printableConfig(backboneConfig, reading.config)).toEqual({
      MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: 7405, MILLRACE_API_TOKENS: '***', MILLRACE_LOG_LEVEL: 'info', MILLRACE_EVENTS_URL: '***',
      MILLRACE_NATS_URL: env.MILLRACE_NATS_URL, MILLRACE_NATS_SEED_FILE: env.MILLRACE_NATS_SEED_FILE, MILLRACE_FOLD_COUNTERS_MS: 500, MILLRACE_RECONCILE_MS: 10_000, MILLRACE_SNAPSHOT_ALERT_MS: 60_000, MILLRACE_STREAM_MAX_BYTES: 256 * 1024 * 1024, MILLRACE_STREAM_MAX_AGE_MS: 604_800_000,
      MILLRACE_LEDGER_SEED_FILE: env.MILLRACE_LEDGER_SEED_FILE, MILLRACE_LEDGER_DIR: env.MILLRACE_LEDGER_DIR,
      MILLRACE_WITNESS_HTTP_URL: env.MILLRACE_WITNESS_HTTP_URL, MILLRACE_WITNESS_KEY: VerifierKey.parse(env.MILLRACE_WITNESS_KEY),
    });
  });
});

describe('the migration\'s config', () => {
  const admin = 'postgresql://admin:hush@127.0.0.1/events';
  it('is an address, and the manifests of the checkout unless told', () => {
    expect(readConfig(migrateConfig, { MILLRACE_EVENTS_ADMIN_URL: admin })).toEqual({ ok: true, config: { adminUrl: admin, manifestsDir: 'apps' } });
    expect(readConfig(migrateConfig, { MILLRACE_EVENTS_ADMIN_URL: admin, MILLRACE_MANIFESTS_DIR: '/etc/millrace' })).toMatchObject({ config: { manifestsDir: '/etc/millrace' } });
  });
  it('asks for the address', () => {
    expect(readConfig(migrateConfig, {})).toEqual({ ok: false, problems: [expect.stringMatching(/^MILLRACE_EVENTS_ADMIN_URL: is not set .*may create roles/)] });
    expect(readConfig(migrateConfig, { MILLRACE_EVENTS_ADMIN_URL: 'hush' })).toEqual({ ok: false, problems: [expect.stringMatching(/expected an address like postgres:/)] });
  });
});
