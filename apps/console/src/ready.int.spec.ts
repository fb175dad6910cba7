import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { buildService, makeLogger, readConfig } from '@millrace/service-kit';
import { AppModule } from './app.module.ts';
import { consoleConfig } from './console.config.ts';

it('is ready while security answers, and not without it', async () => {
  const security = createServer((_, response) => { response.end('{"live":true}'); }).listen(0, '127.0.0.1');
  await new Promise((listening) => security.once('listening', listening));
  const folder = await mkdtemp(join(tmpdir(), 'millrace-console-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'mrt_console', { mode: 0o600 });
  const urls = Object.fromEntries(['ANALYTICS', 'BACKBONE', 'INGESTION', 'SECURITY', 'SUPERVISOR', 'WAREHOUSE'].map((name) => [`MILLRACE_${name}_HTTP_URL`, `http://127.0.0.1:${(security.address() as AddressInfo).port}`]));
  const reading = readConfig(consoleConfig, { ...urls, MILLRACE_HTTP_PORT: '0', MILLRACE_API_TOKENS: `operator:${'0'.repeat(64)}`, MILLRACE_API_TOKEN_FILE: tokenFile });
  if (!reading.ok) throw new Error(reading.problems.join());
  const app = await buildService({ config: consoleConfig, module: async () => AppModule }, reading.config, makeLogger('console', 'fatal'));
  expect((await app.inject('/ready')).json()).toEqual({ ready: true, checks: { security: 'ok' } });
  security.closeAllConnections();
  await new Promise((closed) => { security.close(closed); });
  const without = await app.inject('/ready');
  expect([without.statusCode, without.json()]).toEqual([503, { ready: false, checks: { security: 'security-unavailable' } }]);
  await app.close();
  await rm(folder, { recursive: true });
});
