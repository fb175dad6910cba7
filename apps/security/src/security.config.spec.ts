import { describe, expect, it } from '@jest/globals';
import { printableConfig, readConfig } from '@millrace/service-kit';
import { createCurve } from '@nats-io/nkeys';
import { securityConfig } from './security.config.ts';

const [ingestion, edge] = [createCurve().getPublicKey(), createCurve().getPublicKey()];
const environment = {
  MILLRACE_HTTP_PORT: '7402', MILLRACE_API_TOKENS: `operator:${'a'.repeat(64)},console:${'b'.repeat(64)}`,
  MILLRACE_EVENTS_URL: 'postgres://millrace_security:pw-canary@127.0.0.1:7411/events', MILLRACE_DATABASE_URL: 'postgres://millrace_security:pw-canary@127.0.0.1:7412/security',
  MILLRACE_KEYS_URL: 'postgres://millrace_security:pw-canary@127.0.0.1:7413/keys', MILLRACE_NATS_URL: 'nats://127.0.0.1:7421', MILLRACE_NATS_SEED_FILE: 'nats.seed',
  MILLRACE_XKEY_SEED_FILE: 'xkey.seed', MILLRACE_XKEYS: `ingestion:${ingestion}, edge:${edge}`, MILLRACE_ROOT_KEY_FILE: 'root.key',
};

describe('the configuration', () => {
  it('names who may ask for keys by curve key', () => {
    expect(readConfig(securityConfig, environment)).toMatchObject({ ok: true, config: { httpPort: 7402, xkeys: new Map([[ingestion, 'ingestion'], [edge, 'edge']]) } });
  });

  it('is printed without passwords or token digests', () => {
    const reading = readConfig(securityConfig, environment);
    const printed = JSON.stringify(reading.ok ? printableConfig(securityConfig, reading.config) : reading.problems);
    expect(printed).toContain('"MILLRACE_KEYS_URL":"***"');
    expect(printed).not.toMatch(/pw-canary|aaaa/);
  });

  it('has no default for any address, secret or key: every missing one is named at once', () => {
    const reading = readConfig(securityConfig, {});
    const named = reading.ok ? [] : reading.problems.map((problem) => problem.split(':')[0]);
    expect(new Set(named)).toEqual(new Set(Object.keys(environment)));
    expect(named).toHaveLength(Object.keys(environment).length);
  });

  it.each(['', 'ingestion', ingestion, `ingestion:${ingestion.slice(1)}`, `ingestion:${ingestion},`, `Ingestion:${ingestion}`, `ingestion:${ingestion.replace('X', 'U')}`])('refuses callers %j', (callers) => {
    const reading = readConfig(securityConfig, { ...environment, MILLRACE_XKEYS: callers });
    expect(reading.ok ? [] : reading.problems).toEqual([expect.stringMatching(/^MILLRACE_XKEYS: /)]);
  });
});
