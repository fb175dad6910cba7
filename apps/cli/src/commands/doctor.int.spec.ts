import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Finding } from '../doctor/finding.ts';
import { runCommand, scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';
import { untilInterrupted } from './interruption.ts';

const folder = scratchFolder();
let platform: StandInPlatform;
beforeAll(async () => {
  platform = await standInPlatform(folder.path);
  platform.on('supervisor', 'GET /v1/status', { json: { ready: true, services: [{ name: 'ingestion', url: null, healthy: true, pssBytes: 1, pid: 1, restarts: 3 }, { name: 'warehouse', url: null, healthy: false, pssBytes: 1, pid: 2, restarts: 0 }] } });
  platform.on('backbone', 'GET /v1/logs', { json: { logs: [{ tenant: 'shop', log: 'sales/0', epoch: 1, head: 10, relayed: 10, state: 'relaying' }] } });
  platform.on('ingestion', 'GET /v1/accounting', { json: { sources: [] } });
  platform.on('backbone', 'GET /v1/differences', { json: { differences: [] } });
  platform.on('analytics', 'GET /v1/consumers', { json: { consumers: [{ tenant: 'shop', log: 'sales/0', epoch: 1, position: 10, state: 'running', parked: 1 }] } });
  platform.on('warehouse', 'GET /v1/consumers', { status: 503, json: { detail: 'starting' } });
});
afterAll(async () => {
  await platform.close();
  folder.remove();
});

describe('millrace doctor', () => {
  const examine = async (...args: string[]): Promise<{ ok: boolean; failed: boolean; find(name: string): Finding | undefined }> => {
    const { out, failed } = await platform.run('doctor', '--json', ...args);
    const { ok, checks } = JSON.parse(out[0]!) as { ok: boolean; checks: Finding[] };
    return { ok, failed, find: (name) => checks.find((check) => check.name === name) };
  };

  it('looks at every service, consumer and server, and fails when one of them is not well', async () => {
    writeFileSync(platform.home.path('secrets', 'careless'), 'x', { mode: 0o644 });
    const { ok, failed, find } = await examine();
    expect([ok, failed]).toEqual([false, true]);
    expect(find('ingestion')).toMatchObject({ ok: true, detail: 'healthy, restarted 3 times' });
    expect(find('warehouse')).toMatchObject({ ok: false, remedy: expect.stringContaining('warehouse.log') });
    expect(find('warehouse answers')).toMatchObject({ ok: false });
    expect(find('analytics shop sales/0')).toMatchObject({ ok: false, detail: '0 behind, running, 1 parked' });
    expect(find('relay shop sales/0')).toMatchObject({ ok: true });
    expect(find('postgres-keys')).toMatchObject({ ok: false, detail: expect.stringContaining('can\'t be reached') });
    expect(find('secrets are private')).toMatchObject({ ok: false, remedy: expect.stringMatching(/^chmod 600 .*careless$/) });
    expect(find('sources are private')).toMatchObject({ ok: true });
  });

  it('puts the remedy below what failed', async () => {
    const [text] = (await platform.run('doctor')).out;
    expect(text).toMatch(/FAIL {2}warehouse +not healthy\n +-> see .*warehouse\.log; it is restarted by itself when it ends\n/);
  });

  it('looks at the machine alone with --pre', async () => {
    const { find } = await examine('--pre');
    expect([find('node')?.ok, find('ingestion'), find('operating system')?.detail]).toEqual([true, undefined, `${process.platform} ${process.arch}`]);
  });

  it('says before a start what a start would refuse', async () => {
    const home = `${folder.path}/older`;
    mkdirSync(home);
    writeFileSync(`${home}/layout.json`, '{"layout":99}');
    const { out, failed } = await runCommand({ ...platform.config, home, natsServer: '/nowhere/nats-server', external: { reads: 'hello' } }, 'doctor', '--pre');
    expect(out[0]).toMatch(/FAIL {2}data folder version +the data folder .* was made by another version of Millrace \(layout 99/);
    expect(out[0]).toMatch(/FAIL {2}nats-server +MILLRACE_NATS_SERVER \/nowhere\/nats-server, version unknown\n +-> name a nats-server/);
    expect(out[0]).toMatch(/FAIL {2}servers run by others +MILLRACE_POSTGRES_URL: is no address/);
    expect(failed).toBe(true);
  });

  it('leaves servers of others alone where it has no login for them', async () => {
    const file = platform.home.path('run', 'platform.json');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(before) as object, external: { keys: 'postgres://db.example:5432/postgres' } }));
    expect((await examine()).find('postgres-keys durability')).toMatchObject({ ok: true, detail: expect.stringContaining('run by others at postgres://db.example:5432/postgres; set MILLRACE_KEYS_POSTGRES_URL') });
    writeFileSync(file, before);
  });

  it('looks at the logs of one tenant when it is told', async () => {
    await examine('--tenant', 'demo');
    expect(platform.heard.map(({ request }) => request)).toContain('GET /v1/logs?tenant=demo');
  });

  it('says that nothing runs where nothing runs', async () => {
    const { out, failed } = await runCommand({ ...platform.config, home: `${folder.path}/idle` }, 'doctor');
    expect(out[0]).toMatch(/FAIL {2}platform +not running\n +-> start it with `npm start`/);
    expect(failed).toBe(true);
  });
});

describe('work that may be interrupted', () => {
  const listening = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

  it('gives back the process\'s signals, however it ends', async () => {
    const before = listening();
    expect(await untilInterrupted(async (signal) => [signal.aborted, listening() - before])).toEqual([false, 2]);
    await expect(untilInterrupted(async () => { throw new Error('broke'); })).rejects.toThrow('broke');
    expect(listening()).toBe(before);
  });

  it('learns of Ctrl-C', async () => {
    const heard = untilInterrupted((signal) => new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve('aborted'));
      process.emit('SIGINT');
    }));
    expect(await heard).toBe('aborted');
  });
});
