import { afterAll, describe, expect, it } from '@jest/globals';
import { freePort, natsUrl } from '@millrace/testing';
import { cliConfigFrom, projectRootOf } from '../cli.config.ts';
import { checkMachine } from '../doctor/machine.ts';
import { freeBase, scratchFolder, scratchWorkspace } from '../testing.ts';
import { readServiceManifests } from '@millrace/service-kit/manifest-files';
import { HTTP_SERVICES } from './service-environment.ts';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';

const folder = scratchFolder();
afterAll(() => folder.remove());

const YAML = `service: x\nowner: team\nappends: []\nreads: [sales]\nasks: []\nanswers: []\nrelay: false\ndatabases: []\nkeys: false\nslo: "fast"\n`;

describe('manifests', () => {
  it('are those of every app that has one, in the order of their names', () => {
    const workspace = scratchWorkspace(folder.path, { 'apps/b/service.yaml': YAML.replace('service: x', 'service: b'), 'apps/a/service.yaml': YAML.replace('service: x', 'service: a'), 'apps/none/readme': '' });
    expect(readServiceManifests(join(workspace, 'apps')).map(({ service, reads }) => [service, reads])).toEqual([['a', ['sales']], ['b', ['sales']]]);
  });

  it('that are wrong are refused with what is wrong', () => {
    const workspace = scratchWorkspace(join(folder.path, 'wrong'), { 'apps/a/service.yaml': YAML.replace('reads: [sales]', 'reads: [nonsense]').replace('keys: false', 'keys: maybe') });
    expect(() => readServiceManifests(join(workspace, 'apps'))).toThrow(/\/reads\/0.*\/keys/);
  });

  it('of this workspace name every service we start, one keeper of keys and one relay', () => {
    const manifests = readServiceManifests(join(cliConfigFrom({}, '/').workspace, 'apps'));
    expect(manifests.map(({ service }) => service)).toEqual(expect.arrayContaining([...HTTP_SERVICES, 'simulator', 'cli']));
    expect(manifests.filter(({ keys }) => keys).map(({ service }) => service)).toEqual(['security']);
    expect(manifests.filter(({ relay }) => relay).map(({ service }) => service)).toEqual(['backbone']);
    expect(manifests.find(({ service }) => service === 'simulator')!.asks).toEqual(['cmd.inventory.>']);
  });
});

describe('the project\'s root', () => {
  it('is the nearest folder with a data folder or the workspace itself', () => {
    const workspace = scratchWorkspace(join(folder.path, 'roots'), { 'apps/a/src/x.ts': '' });
    expect(projectRootOf(join(workspace, 'apps/a/src'), '/fallback')).toBe(workspace);
    mkdirSync(join(workspace, 'apps/a/.millrace'));
    expect(projectRootOf(join(workspace, 'apps/a/src'), '/fallback')).toBe(join(workspace, 'apps/a'));
    expect(projectRootOf('/', '/fallback')).toBe('/fallback');
  });
});

describe('doctor before a start', () => {
  const config = cliConfigFrom({ MILLRACE_HOME: join(folder.path, 'new', 'home'), MILLRACE_NATS_SERVER: process.env['MILLRACE_TEST_NATS_BINARY'], PATH: process.env['PATH'] }, '/');
  const finding = async (name: string, over: Partial<typeof config> = {}, running = false, port?: number) => (await checkMachine({ ...config, ...over }, running, port)).find((one) => one.name === name)!;

  it('finds a folder that can be made, this Node, and a way to NATS', async () => {
    const names = (await checkMachine(config, false, await freeBase())).map((one) => one.name);
    expect(names).toEqual(['node', 'operating system', 'data folder', 'disk space', 'memory', 'nats-server', 'data folder version', 'setpriv', 'ports']);
    expect(await finding('node')).toMatchObject({ ok: true, detail: process.version });
    expect(await finding('data folder')).toMatchObject({ ok: true, detail: `${config.home} (to be made)` });
    expect(await finding('nats-server')).toMatchObject({ ok: true, detail: expect.stringMatching(/^MILLRACE_NATS_SERVER .*, version \d/) });
  });

  it('names a port that is taken, and what to do', async () => {
    const base = await freeBase();
    const squatter = createServer();
    await new Promise<void>((resolve) => { squatter.listen(base + 3, '127.0.0.1', resolve); });
    expect(await finding('ports', {}, false, base)).toEqual({ name: 'ports', ok: false, detail: `in use: ${base + 3} (analytics)`, remedy: `end what listens there or start with another --port than ${base}` });
    await new Promise((resolve) => { squatter.close(resolve); });
  });

  it('doesn\'t complain about the ports of the platform that runs', async () => {
    expect((await checkMachine(config, true)).map((one) => one.name)).not.toContain('ports');
  });

  it('refuses a nats-server that is none, and takes an external one', async () => {
    expect(await finding('nats-server', { natsServer: '/bin/true' })).toMatchObject({ ok: false, remedy: expect.stringContaining('MILLRACE_NATS_SERVER') });
    expect(await finding('servers run by others', { external: { nats: natsUrl() } })).toMatchObject({ ok: true });
    expect(await finding('servers run by others', { external: { nats: `nats://127.0.0.1:${await freePort()}` } })).toMatchObject({ ok: false, detail: expect.stringContaining('MILLRACE_NATS_URL: no NATS server answers') });
  });
});
