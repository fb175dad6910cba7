import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterVersion, freePort, isNewEnough, locateNats, natsVersion, startNatsServer, startPostgresServer } from './index.ts';

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'millrace-embedded-')); await chmod(dir, 0o755); });
afterAll(() => rm(dir, { recursive: true, force: true }));

const script = async (name: string, prints: string): Promise<string> => {
  const file = join(dir, name);
  await writeFile(file, `#!/bin/sh\necho '${prints}'\n`, { mode: 0o755 });
  return file;
};

describe('Postgres', () => {
  it('makes a cluster that lets nobody in without a password and leaves no scratch behind', async () => {
    const dataDir = join(dir, 'one', 'events');
    const server = await startPostgresServer({ dataDir, superuserPassword: 'p@ss/word' });
    expect(await clusterVersion(dataDir)).toBe('18');
    expect(await readdir(join(dir, 'one'))).toEqual(['events']);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(server.url('d', 'u', 'p@ss')).toBe(`postgres://u:p%40ss@127.0.0.1:${server.port}/d`);
    await server.stop();
    expect(await server.exited).toBe(0);
  });

  it('says what Postgres said when the port is taken', async () => {
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    await expect(startPostgresServer({ dataDir: join(dir, 'two'), superuserPassword: 'x', port, settings: { fsync: 'off' } })).rejects.toThrow(/Address already in use/);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('starts from a copy that belongs to whoever copied it', async () => {
    const [original, copy] = [join(dir, 'three'), join(dir, 'copied')];
    await (await startPostgresServer({ dataDir: original, superuserPassword: 'x', settings: { fsync: 'off' } })).stop();
    await cp(original, copy, { recursive: true });
    const server = await startPostgresServer({ dataDir: copy, superuserPassword: 'x', settings: { fsync: 'off' } });
    expect((await stat(copy)).mode & 0o777).toBe(0o700);
    await server.stop();
  });

  it('tells that a folder holds no cluster', async () => {
    expect(await clusterVersion(join(dir, 'nothing'))).toBeUndefined();
  });
});

describe('nats-server', () => {
  it.each([['2.12.0', true], ['2.15.1', true], ['3.0.0', true], ['2.11.9', false], ['1.99.0', false], ['2.9.10', false]])('takes version %s: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });

  it('prefers the one that was named', async () => {
    const explicit = await script('named', 'nats-server: v2.14.2');
    await expect(locateNats({ explicit, cacheDir: dir })).resolves.toEqual({ binary: explicit, version: '2.14.2', from: 'MILLRACE_NATS_SERVER' });
  });

  it('refuses an old one that was named, and a file that is something else', async () => {
    const old = await script('old', 'nats-server: v2.9.10');
    await expect(locateNats({ explicit: old, cacheDir: dir })).rejects.toThrow(/is version 2\.9\.10; expected nats-server 2\.12 or newer/);
    const other = await script('other', 'hello');
    await expect(locateNats({ explicit: other, cacheDir: dir })).rejects.toThrow(/not a nats-server that runs/);
    expect(await natsVersion(join(dir, 'absent'))).toBeUndefined();
  });

  it('reports the server\'s own words when its configuration is wrong', async () => {
    const { binary } = await locateNats({ explicit: process.env['MILLRACE_TEST_NATS_BINARY'], cacheDir: dir });
    const configFile = join(dir, 'broken.conf');
    await writeFile(configFile, 'port: "not a number"\n');
    await expect(startNatsServer({ binary, runDir: join(dir, 'run'), configFile })).rejects.toThrow(/did not start/);
  });
});
