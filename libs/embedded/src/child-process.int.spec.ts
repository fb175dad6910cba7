import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort, spawnServer, startPostgresServer, stopServer, type SpawnedServer } from './index.ts';

const shell = (script: string, more: Partial<Parameters<typeof spawnServer>[0]> = {}): ReturnType<typeof spawnServer> =>
  spawnServer({ command: 'sh', args: ['-c', script], deathSignal: 'KILL', ...more });

/** All of what it printed is read by then, which at its exit it need not be. */
const said = (server: SpawnedServer): Promise<unknown> => new Promise((resolve) => { server.child.once('close', resolve); });

describe('a spawned server', () => {
  it('tells its exit code', async () => {
    expect(await (await shell('exit 7')).exited).toBe(7);
  });

  it('tells the signal that ended it', async () => {
    expect(await (await shell('kill -9 $$')).exited).toBe('SIGKILL');
  });

  it('ends at the signal it knows', async () => {
    const server = await shell('trap "exit 3" TERM; echo up; while :; do sleep 0.05; done');
    await new Promise((resolve) => server.child.stdout!.once('data', resolve));
    await stopServer(server, 'SIGTERM');
    expect(await server.exited).toBe(3);
  });

  it('is killed when it does not end in time', async () => {
    const server = await shell('trap "" TERM; echo up; while :; do sleep 0.05; done');
    await new Promise((resolve) => server.child.stdout!.once('data', resolve));
    await stopServer(server, 'SIGTERM', 100);
    expect(await server.exited).toBe('SIGKILL');
  });

  it('may be stopped twice', async () => {
    const server = await shell('exit 0');
    await server.exited;
    await expect(stopServer(server, 'SIGTERM')).resolves.toBeUndefined();
  });

  it('has a process group of its own, so that Ctrl-C reaches the supervisor alone', async () => {
    let output = '';
    const server = await shell('ps -o pgid= -p $$', { onStderr: (text) => { output += text; } });
    await said(server);
    expect(Number(output.trim())).toBe(server.child.pid);
  });

  it('says what it prints to the log file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-log-'));
    const logFile = join(dir, 'server.log');
    let seen = '';
    const server = await shell('echo out; echo err >&2', { logFile, onStderr: (text) => { seen += text; } });
    await said(server);
    expect(seen.split('\n').toSorted()).toEqual(['', 'err', 'out']);
    const deadline = Date.now() + 60_000;
    let logged = '';
    while (logged.length < 8 && Date.now() < deadline) logged = await readFile(logFile, 'utf8').catch(() => '');
    expect(logged.split('\n').toSorted()).toEqual(['', 'err', 'out']);
    await rm(dir, { recursive: true, force: true });
  });
});

it('finds a port nobody listens on and no outgoing connection is given', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThan(30_000);
  expect(port).toBeLessThan(32_768);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  expect(await freePort()).not.toBe(port);
  await new Promise((resolve) => server.close(resolve));
});

it('starts again at once after a kill -9 with a busy session', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-busy-'));
  const options = { dataDir: join(dir, 'data'), superuserPassword: 'secret' };
  const first = await startPostgresServer(options);
  const client = new Client({ connectionString: first.url('postgres', 'postgres', 'secret') });
  client.on('error', () => undefined);
  await client.connect();
  const busy = client.query('select count(*) from generate_series(1, 100000000)').then(() => 'done', () => 'cut');
  await first.kill();
  const second = await startPostgresServer({ ...options, port: first.port });
  expect(second.pid).not.toBe(first.pid);
  expect(['done', 'cut']).toContain(await busy);
  await client.end().catch(() => undefined);
  await second.stop();
  await rm(dir, { recursive: true, force: true });
});
