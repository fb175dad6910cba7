import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, withClient } from '@millrace/testing';
import { cliConfigFrom, type CliConfig } from '../cli.config.ts';
import { checkRunning, openFiles } from '../doctor/running.ts';
import { gatherStatus } from '../commands/status.ts';
import { homeAt } from '../home/home.ts';
import { identityOf } from '../home/process-identity.ts';
import { portPlan, takenPorts, type Listener } from '../provision/port-plan.ts';
import type { SupervisorStatus } from './endpoint.ts';
import { endLeftovers, freeDataFolder, recordProcesses } from './leftover.ts';
import { rotateLogs } from './log-rotation.ts';
import { launchService } from './service-process.ts';
import { supervise, type Supervision } from './supervision.ts';

const never = new Promise<void>(() => undefined);
const folder = mkdtempSync(join(tmpdir(), 'millrace-supervision-'));
chmodSync(folder, 0o755);
const SERVERS: Listener[] = ['postgres-events', 'postgres-reads', 'postgres-keys', 'supervisor', 'nats'];
const said: string[] = [];
let config: CliConfig;
let base: number;
let supervision: Supervision;

const freeBase = async (): Promise<number> => {
  for (let candidate = 21_000 + Math.floor(Math.random() * 300) * 30; ; candidate += 30) {
    const plan = portPlan(candidate);
    if ((await takenPorts(plan, Object.keys(plan) as Listener[])).length === 0) return candidate;
  }
};
const start = (home: string, port = base): Promise<Supervision> =>
  supervise({ ...config, home }, { port, demo: false, services: false }, (part, message) => { said.push(`${part}: ${message}`); }, () => undefined, never);
const askStatus = (): Promise<SupervisorStatus> => supervision.client.call('supervisor', '/v1/status') as Promise<SupervisorStatus>;

beforeAll(async () => {
  config = cliConfigFrom({ MILLRACE_HOME: join(folder, 'home'), MILLRACE_NATS_SERVER: process.env['MILLRACE_TEST_NATS_BINARY'], PATH: process.env['PATH'] }, '/');
  base = await freeBase();
  supervision = await start(config.home);
});
afterAll(async () => {
  await supervision.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the servers of a running platform', () => {
  it('are healthy and told with their memory and process', async () => {
    const status = await eventually('readiness', async () => { const now = await askStatus(); return now.ready && now; });
    expect(status.services.map((service) => service.name)).toEqual(['postgres-events', 'postgres-reads', 'postgres-keys', 'nats', 'supervisor']);
    for (const service of status.services) expect(service).toMatchObject({ healthy: true, url: expect.stringContaining('127.0.0.1'), restarts: 0 });
    expect(Math.min(...status.services.map((service) => service.pssBytes))).toBeGreaterThan(1_000_000);
    expect(JSON.stringify(status)).not.toMatch(/:[^/@]+@/);
  });

  it('keep every promise that doctor checks', async () => {
    const silent = ['backbone', 'ingestion', 'analytics', 'warehouse'].map((name) => `${name} answers`);
    const findings = await eventually('a look at which all servers answered in time', async () => { const all = await checkRunning(config, supervision.client); return all.filter(({ ok }) => !ok).length === silent.length && all; });
    expect(findings.filter((finding) => !finding.ok).map((finding) => finding.name).toSorted()).toEqual(silent.toSorted());
    expect(findings.map((finding) => finding.name)).toEqual(expect.arrayContaining(['postgres-events durability', 'postgres-keys passwords', 'secrets are private']));
  });

  it('listen on 127.0.0.1 only and refuse a wrong password', async () => {
    const url = `postgres://postgres:wrong@127.0.0.1:${supervision.ports['postgres-keys']}/postgres`;
    await expect(withClient(url, (client) => client.query('select 1'))).rejects.toThrow(/password authentication failed/);
    const own = `postgres://postgres:${readFileSync(supervision.home.path('secrets', 'postgres-superuser-events.password'), 'utf8').trim()}@127.0.0.1:${supervision.ports['postgres-events']}/postgres`;
    const { rows } = await withClient(own, (client) => client.query<{ listen: string; fsync: string }>("select current_setting('listen_addresses') as listen, current_setting('fsync') as fsync"));
    expect(rows).toEqual([{ listen: '127.0.0.1', fsync: 'on' }]);
  });

  it('answer the operator only', async () => {
    const bare = await fetch(`${supervision.client.urlOf('supervisor')}/v1/status`);
    const wrong = await fetch(`${supervision.client.urlOf('supervisor')}/v1/stop`, { method: 'POST', headers: { authorization: 'Bearer mrt_guess' } });
    expect([bare.status, wrong.status]).toEqual([401, 401]);
  });

  it('are started again after kill -9, and that is reported', async () => {
    for (const name of ['postgres-reads', 'nats']) {
      const { pid } = (await askStatus()).services.find((service) => service.name === name)!;
      process.kill(pid!, 'SIGKILL');
      const again = await eventually(`${name} is back`, async () => (await askStatus()).services.find((service) => service.name === name && service.healthy && service.pid !== null && service.pid !== pid && service.restarts > 0));
      expect(again.restarts).toBe(1);
      expect(said).toEqual(expect.arrayContaining([`${name}: ended (SIGKILL); starting it again in 0.2 s`, `${name}: started again (process ${again.pid})`]));
    }
  });

  it('are told without the services that don\'t answer', async () => {
    const told = await eventually('readiness', async () => { const now = await gatherStatus(supervision.client); return now.ready && now; });
    expect(told).toMatchObject({ ready: true, logs: [], sources: [], unanswered: expect.arrayContaining(['backbone', 'ingestion']) });
  });
});

describe('a start that can\'t be', () => {
  it('is one line when the folder is in use already', async () => {
    await expect(start(config.home)).rejects.toThrow(/^already running from .* \(process \d+\): `npx millrace status` shows it, `npx millrace stop` ends it$/);
  });

  it('is one line when a port is taken, and leaves nothing running', async () => {
    const other = await freeBase();
    const squatter = createServer();
    await new Promise<void>((resolve) => { squatter.listen(other + 12, '127.0.0.1', resolve); });
    await expect(start(join(folder, 'second'), other)).rejects.toThrow(`port ${other + 12} (for postgres-reads) is already in use`);
    await new Promise((resolve) => { squatter.close(resolve); });
    expect(await takenPorts(portPlan(other), SERVERS)).toEqual([]);
    expect(existsSync(join(folder, 'second', 'run', 'lock.json'))).toBe(false);
  });

  it('is one line when a database is of another major version', async () => {
    const home = join(folder, 'old');
    mkdirSync(join(home, 'postgres', 'keys'), { recursive: true });
    writeFileSync(join(home, 'layout.json'), '{"layout":1}');
    writeFileSync(join(home, 'postgres', 'keys', 'PG_VERSION'), '16\n');
    await expect(start(home, await freeBase())).rejects.toThrow(/keys was made by Postgres 16, this is Postgres 18/);
  });

  it('drains what had been started when it fails half-way', async () => {
    const home = join(folder, 'broken');
    mkdirSync(join(home, 'nats', 'jetstream'), { recursive: true });
    writeFileSync(join(home, 'nats', 'jetstream', 'jetstream'), 'not a folder');
    const other = await freeBase();
    await expect(start(home, other)).rejects.toThrow(/nats/);
    expect(await takenPorts(portPlan(other), SERVERS)).toEqual([]);
  });
});

describe('what a dead supervisor left behind', () => {
  it('is ended by the next start, and strangers with the same ids are not', async () => {
    const home = homeAt(join(folder, 'left'));
    mkdirSync(home.path('run'), { recursive: true });
    const orphan = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
    const gone = new Promise((resolve) => { orphan.once('exit', (_, signal) => resolve(signal)); });
    recordProcesses(home, [orphan.pid!]);
    const records = readFileSync(home.path('run', 'processes.json'), 'utf8');
    writeFileSync(home.path('run', 'processes.json'), records.replace(/"startedTicks":"\d+"/, '"startedTicks":"1"'));
    expect(await endLeftovers(home)).toBe(0);
    expect(identityOf(orphan.pid!)).toBeDefined();
    writeFileSync(home.path('run', 'processes.json'), records);
    expect(await endLeftovers(home)).toBe(1);
    expect(await gone).toBe('SIGTERM');
  });

  it('of Postgres includes the file that would refuse its start', async () => {
    const dataDir = join(folder, 'data');
    mkdirSync(dataDir);
    const worker = spawn('sleep', ['1000'], { cwd: dataDir, stdio: 'ignore' });
    const gone = new Promise((resolve) => { worker.once('exit', (_, signal) => resolve(signal)); });
    writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n`);
    await freeDataFolder(dataDir);
    expect(await gone).toBe('SIGQUIT');
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
  });
});

describe('a service process', () => {
  it('writes to its log, and is drained by SIGTERM', async () => {
    const logFile = join(folder, 'echo.log');
    const running = await launchService({ name: 'echo', command: '/bin/sh', args: ['-c', 'echo "hello $WHO"; exec sleep 1000'], env: { WHO: 'log', PATH: '/usr/bin:/bin' }, cwd: folder, logFile });
    await eventually('its words', () => readFileSync(logFile, 'utf8') === 'hello log\n');
    await running.stop();
    expect(await running.exited).toBe('SIGTERM');
    expect(statSync(logFile).mode & 0o077).toBe(0);
  });

  it('that can\'t be run is one error', async () => {
    const setpriv = { name: 'x', command: join(folder, 'nothing-here'), args: [], env: {}, cwd: join(folder, 'no-such-folder'), logFile: join(folder, 'x.log') };
    await expect(launchService(setpriv)).rejects.toThrow(/x could not be started/);
  });
});

describe('logs', () => {
  it('are bounded: copied aside and emptied in place, the oldest given up', () => {
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    for (let round = 1; round <= 5; round += 1) {
      appendFileSync(join(logs, 'a.log'), `${round}`.repeat(200));
      rotateLogs(logs, 100);
    }
    expect(readdirSync(logs).toSorted()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
    expect(statSync(join(logs, 'a.log')).size).toBe(0);
    expect(readFileSync(join(logs, 'a.log.3'), 'utf8')).toBe('3'.repeat(200));
  });

  it('that can\'t be bounded are told of, and the others are bounded', () => {
    const logs = join(folder, 'some-logs');
    mkdirSync(logs);
    symlinkSync(join(folder, 'nothing-here'), join(logs, 'gone.log'));
    appendFileSync(join(logs, 'large.log'), 'x'.repeat(200));
    expect(rotateLogs(logs, 100)).toEqual([expect.stringContaining('gone.log')]);
    expect(statSync(join(logs, 'large.log')).size).toBe(0);
    expect(rotateLogs(join(folder, 'no-such-folder'))).toEqual([expect.stringContaining('no-such-folder')]);
  });

  it('and secrets readable by others are found', () => {
    const file = join(folder, 'logs', 'open.key');
    writeFileSync(file, '', { mode: 0o644 });
    expect(openFiles(join(folder, 'logs'))).toContain(file);
  });
});

it('lets go of ports, lock and processes when it stops', async () => {
  const home = join(folder, 'brief');
  const port = await freeBase();
  const brief = await start(home, port);
  const pids = ((await brief.client.call('supervisor', '/v1/status')) as SupervisorStatus).services.filter((service) => service.name !== 'supervisor').map((service) => service.pid!);
  await brief.stop();
  expect(await takenPorts(portPlan(port), SERVERS)).toEqual([]);
  expect(pids.map(identityOf)).toEqual(pids.map(() => undefined));
  expect(readdirSync(join(home, 'run')).filter((name) => name === 'lock.json' || name === 'processes.json')).toEqual([]);
});
