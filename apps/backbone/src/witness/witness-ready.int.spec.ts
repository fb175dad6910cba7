import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { buildService, makeLogger, readConfig } from '@millrace/service-kit';
import { witnessConfig } from './witness.config.ts';
import { WitnessModule } from './witness.module.ts';

it('is ready while the folder of its state is there, and not without it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-witness-'));
  const [seedFile, stateDir] = [join(folder, 'seed'), join(folder, 'state')];
  await writeFile(seedFile, 'ab'.repeat(32), { mode: 0o600 });
  const reading = readConfig(witnessConfig, {
    MILLRACE_HTTP_PORT: '0', MILLRACE_API_TOKENS: `operator:${'0'.repeat(64)}`, MILLRACE_WITNESS_SEED_FILE: seedFile, MILLRACE_WITNESS_DIR: stateDir,
    MILLRACE_WITNESS_LOG_KEYS: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  });
  if (!reading.ok) throw new Error(reading.problems.join());
  const app = await buildService({ config: witnessConfig, module: async () => WitnessModule }, reading.config, makeLogger('witness', 'fatal'));
  expect((await app.inject('/ready')).json()).toEqual({ ready: true, checks: { state: 'ok' } });
  await rm(stateDir, { recursive: true });
  expect((await app.inject('/ready')).statusCode).toBe(503);
  await app.close();
  await rm(folder, { recursive: true });
});
