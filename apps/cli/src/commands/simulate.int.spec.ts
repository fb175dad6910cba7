import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sourceKeyFile } from '../client/source-keys.ts';
import { runCommand, scratchFolder, scratchWorkspace, standInPlatform, type StandInPlatform } from '../testing.ts';

/** Prints progress first and its report last, as the simulator does; ends with the code it is told by its seed. */
const STAND_IN = `
const args = process.argv.slice(2);
const seed = args[args.indexOf('--seed') + 1];
if (seed === '13') { process.exit(3); }
console.log('something else');
console.log(JSON.stringify({ args: args.join(' '), names: Object.keys(process.env).filter((name) => name.startsWith('MILLRACE_')).sort().join(' '), key: process.env.MILLRACE_SOURCE_KEY_FILE, intake: process.env.MILLRACE_INGESTION_HTTP_URL, nats: process.env.MILLRACE_NATS_URL }));
`;

const folder = scratchFolder();
let platform: StandInPlatform;
beforeAll(async () => {
  platform = await standInPlatform(folder.path, scratchWorkspace(folder.path, { 'apps/simulator/dist/main.js': STAND_IN }));
  platform.on('ingestion', 'POST /v1/sources', ({ body }) => ({ status: 201, json: { ...(body as object), key: 'msk_simulator' } }));
});
afterAll(async () => {
  await platform.close();
  folder.remove();
});
const report = async (...args: string[]): Promise<Record<string, string>> => JSON.parse((await platform.run('simulate', '--json', ...args)).out[0]!) as Record<string, string>;

describe('millrace simulate', () => {
  it('runs the simulator for tenant demo and prints its last line', async () => {
    expect((await report()).args).toBe('--tenant demo --rate 50 --seed 7');
  });

  it('passes on what it was told, files as absolute paths', async () => {
    expect((await report('--tenant', 'shop', '--rate', '200', '--seed', '11', '--for', '2m', '--manifest', '/m', '--journal', 'j')).args)
      .toBe(`--tenant shop --rate 200 --seed 11 --for 120000ms --manifest /m --journal ${process.cwd()}/j`);
  });

  it('gives it its source key, its nkey, the addresses, and nothing else', async () => {
    const { names, key, intake, nats } = await report();
    expect(names).toBe('MILLRACE_INGESTION_HTTP_URL MILLRACE_NATS_SEED_FILE MILLRACE_NATS_URL MILLRACE_SOURCE_KEY_FILE');
    expect(key).toBe(sourceKeyFile(platform.home, 'demo', 'simulator'));
    expect([intake, nats]).toEqual([`http://127.0.0.1:${platform.base + 1}`, `nats://127.0.0.1:${platform.base + 21}`]);
  });

  it('makes its source once, as the system of record of all it sells', async () => {
    platform.heard.length = 0;
    await report('--tenant', 'other');
    await report('--tenant', 'other');
    expect(platform.heard.map(({ body }) => body)).toEqual([{ tenant: 'other', name: 'simulator', recordOf: ['sales', 'customer', 'inventory', 'merchandise'], earliest: '2020-01-01T00:00:00Z' }]);
  });

  it('fails in one line when the simulator does', async () => {
    expect(await platform.run('simulate', '--seed', '13', '--json')).toMatchObject({ out: [], error: 'the simulator ended with 3; its words are above' });
  });

  it('says what is missing when it is not built', async () => {
    const { error } = await runCommand({ ...platform.config, workspace: `${folder.path}/nowhere` }, 'simulate');
    expect(error).toMatch(/apps\/simulator is not built \(dist\/main\.js is missing\): run `npm run build` in /);
  });
});
