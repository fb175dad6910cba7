import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from '@millrace/testing';
import { cliConfigFrom } from '../cli.config.ts';
import { openHome, type Home } from '../home/home.ts';
import { nkeyOf } from '../home/secret.ts';
import type { Running } from '../supervisor/part.ts';
import { freeBase, scratchFolder } from '../testing.ts';
import { readServiceManifests } from '@millrace/service-kit/manifest-files';
import { findNats, natsPart, writeNatsConfig } from './nats-server.ts';
import { portPlan, type PortPlan } from './port-plan.ts';

const folder = scratchFolder();
const { workspace } = cliConfigFrom({}, '/');
const manifests = readServiceManifests(join(workspace, 'apps'));
let home: Home;
let ports: PortPlan;
let running: Running;
const open: NatsConnection[] = [];

beforeAll(async () => {
  home = openHome(`${folder.path}/home`);
  ports = portPlan(await freeBase());
  const part = natsPart(home, process.env['MILLRACE_TEST_NATS_BINARY']!, writeNatsConfig(home, ports, manifests), ports);
  running = await part.launch!();
  await eventually('health', () => part.healthy());
});
afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await running.stop();
  folder.remove();
});

const seedOf = (service: string): Uint8Array => new TextEncoder().encode(readFileSync(nkeyOf(home, service).seedFile, 'utf8').trim());
const as = async (service: string): Promise<NatsConnection> => {
  const connection = await connect({ servers: `nats://127.0.0.1:${ports.nats}`, authenticator: nkeyAuthenticator(seedOf(service)), inboxPrefix: `_INBOX.${service}`, reconnect: false });
  open.push(connection);
  return connection;
};
/** The server's word on a publish or subscribe it refuses. */
const refusal = async (connection: NatsConnection, act: (connection: NatsConnection) => void): Promise<string> => {
  const status = connection.status()[Symbol.asyncIterator]();
  act(connection);
  await connection.flush();
  for (let next = await status.next(); next.done !== true; next = await status.next()) if (next.value.type === 'error') return next.value.error.message;
  return 'nothing refused';
};

describe('the NATS server of a data folder', () => {
  it('knows every service of the workspace that speaks on the bus, by its nkey', async () => {
    const file = home.path('nats', 'nats.conf');
    const text = readFileSync(file, 'utf8');
    for (const service of ['ingestion', 'security', 'backbone', 'analytics', 'warehouse', 'simulator']) expect(text).toContain(nkeyOf(home, service).publicKey);
    expect(text).not.toMatch(/SU[A-Z0-9]{56}/);
    expect(statSync(file).mode & 0o077).toBe(0);
    expect((await as('analytics')).getServer()).toContain(String(ports.nats));
  });

  it('listens for clients alone: what tells of connections, streams and consumers asks for no login', async () => {
    const file = readFileSync(home.path('nats', 'nats.conf'), 'utf8');
    expect(file).not.toMatch(/^\s*(https?|http_port|https_port|monitor_port)\s*:/m);
    const inodes = new Set(readdirSync(`/proc/${running.pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${running.pid}/fd/${fd}`))?.[1]));
    const listening = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1)).map((line) => line.trim().split(/\s+/)).filter((columns) => columns[3] === '0A' && inodes.has(columns[9]));
    expect(listening.map((columns) => Number.parseInt(columns[1]!.split(':')[1]!, 16))).toEqual([ports.nats]);
  });

  it('lets nobody in without a key it knows', async () => {
    await expect(connect({ servers: `nats://127.0.0.1:${ports.nats}`, reconnect: false })).rejects.toThrow(/Authorization Violation/i);
    nkeyOf(home, 'stranger');
    await expect(as('stranger')).rejects.toThrow(/Authorization Violation/i);
  });

  it('lets the simulator ask inventory, with an inbox of its own', async () => {
    const [simulator, ingestion] = [await as('simulator'), await as('ingestion')];
    ingestion.subscribe('cmd.inventory.>', { queue: 'ingestion', callback: (_, message) => { message.respond('reserved'); } });
    await ingestion.flush();
    expect((await simulator.request('cmd.inventory.reserve-stock', '{}', { timeout: 30_000 })).string()).toBe('reserved');
  });

  it.each([
    ['publish events', (connection: NatsConnection) => connection.publish('evt.demo.sales.0.1.order.placed', 'x'), /publish/i],
    ['ask for keys', (connection: NatsConnection) => connection.publish('query.security.keys.resolve', 'x'), /publish/i],
    ['read messages of a stream', (connection: NatsConnection) => connection.publish('$JS.API.STREAM.MSG.GET.EVT_demo_sales_0_1', '{}'), /publish/i],
    ['listen to another\'s inbox', (connection: NatsConnection) => { connection.subscribe('_INBOX.security.>'); }, /subscri/i],
    ['listen to events', (connection: NatsConnection) => { connection.subscribe('evt.>'); }, /subscri/i],
  ])('doesn\'t let the simulator %s', async (_, act, message) => {
    expect(await refusal(await as('simulator'), act)).toMatch(message);
  });
});

describe('finding a nats-server', () => {
  it('takes the one it is told of, and refuses what is none', async () => {
    const config = cliConfigFrom({ MILLRACE_NATS_SERVER: process.env['MILLRACE_TEST_NATS_BINARY'] }, '/');
    expect(await findNats(config, () => undefined)).toMatchObject({ from: 'MILLRACE_NATS_SERVER' });
    await expect(findNats({ ...config, natsServer: '/bin/true' }, () => undefined)).rejects.toThrow(/MILLRACE_NATS_SERVER=\/bin\/true/);
  });
});
