import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServiceManifest } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { sourceKeyFile } from '../client/source-keys.ts';
import { PlatformClient } from '../client/platform-client.ts';
import { openHome, type Home } from '../home/home.ts';
import { environmentPlan } from '../provision/environment-plan.ts';
import { portPlan, type PortPlan } from '../provision/port-plan.ts';
import { postgresCluster } from '../provision/postgres-cluster.ts';
import type { EnvironmentPlan, HttpService } from '../provision/service-environment.ts';
import { freeBase, scratchFolder, scratchWorkspace } from '../testing.ts';
import { serveSupervisor } from './endpoint.ts';
import { answersReady, nodeCommand, servicePart } from './service-part.ts';
import { simulatorPart } from './simulator-part.ts';

const SERVICE = `
import { createServer } from 'node:http';
let ready = false;
console.log(JSON.stringify({ msg: 'listening', heap: process.execArgv.find((arg) => arg.startsWith('--max-old')) }));
setTimeout(() => { ready = true; }, 50);
createServer((request, response) => { response.writeHead(request.url === '/ready' && ready ? 200 : 503).end(); }).listen(Number(process.env.MILLRACE_HTTP_PORT), '127.0.0.1');
`;
const SIMULATOR = 'console.log(process.argv.slice(2).join(" ")); setInterval(() => undefined, 1000);';

let folder: ReturnType<typeof scratchFolder>;
let home: Home;
let ports: PortPlan;
let workspace: string;
let plan: EnvironmentPlan;
beforeEach(async () => {
  folder = scratchFolder();
  home = openHome(`${folder.path}/home`);
  ports = portPlan(await freeBase());
  workspace = scratchWorkspace(folder.path, { 'apps/analytics/dist/main.js': SERVICE, 'apps/simulator/dist/main.js': SIMULATOR });
  const clusters = (['events', 'reads', 'keys'] as const).map((name) => postgresCluster(home, name, ports[`postgres-${name}`]));
  plan = environmentPlan(home, { home: home.root, workspace, external: {}, inherited: { PATH: '/usr/bin:/bin' } }, ports, clusters, []);
});
afterEach(() => folder.remove());

const manifest = (service: HttpService): ServiceManifest & { service: HttpService } =>
  ({ service, owner: 'team', appends: [], reads: ['sales'], asks: [], answers: [], relay: false, databases: [service], keys: false, slo: 'x' });

describe('a service', () => {
  it('is healthy once its /ready says so, and not any more when it is gone', async () => {
    const part = servicePart(home, workspace, plan, manifest('analytics'));
    expect(await part.healthy()).toBe(false);
    const running = await part.launch!();
    await eventually('readiness', () => part.healthy());
    expect(part.url).toBe(`http://127.0.0.1:${ports.analytics}`);
    await running.stop();
    expect(await part.healthy()).toBe(false);
    expect(readFileSync(home.path('logs', 'analytics.log'), 'utf8')).toContain('--max-old-space-size=512');
  });

  it('that isn\'t built is named, with what to do', () => {
    expect(() => nodeCommand(workspace, 'warehouse')).toThrow(`apps/warehouse is not built (dist/main.js is missing): run \`npm run build\` in ${workspace}`);
    expect(nodeCommand(workspace, 'analytics', 'main', ['--x']).args.slice(-2)).toEqual([`${workspace}/apps/analytics/dist/main.js`, '--x']);
  });
});

describe('the demo shop', () => {
  let intake: Server;
  const asked: unknown[] = [];
  beforeEach(async () => {
    intake = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ tenant: 'demo', name: 'simulator', key: 'msk_demo' }));
    });
    await new Promise<void>((resolve) => { intake.listen(0, '127.0.0.1', resolve); });
  });
  afterEach(() => { intake.closeAllConnections(); intake.close(); });

  it('makes its source at its first start, and is healthy while it lives', async () => {
    const client = new PlatformClient({ ...ports, ingestion: (intake.address() as AddressInfo).port }, 'mrt_x');
    const part = simulatorPart(home, workspace, plan, client);
    expect([part.url, await part.healthy()]).toEqual([null, false]);
    for (let start = 0; start < 2; start += 1) {
      const running = await part.launch!();
      expect(await part.healthy()).toBe(true);
      await eventually('its words', () => readFileSync(home.path('logs', 'simulator.log'), 'utf8') === '--tenant demo --rate 20 --seed 7\n'.repeat(start + 1));
      await running.stop();
      await eventually('its end is seen', async () => !await part.healthy());
    }
    expect(asked).toEqual(['/v1/sources']);
    expect(readFileSync(sourceKeyFile(home, 'demo', 'simulator'), 'utf8')).toBe('msk_demo\n');
  });
});

describe('health', () => {
  it('is false for an address where nobody listens', async () => {
    expect(await answersReady(`http://127.0.0.1:${ports.console}/ready`)).toBe(false);
  });
});

describe('the supervisor\'s endpoint', () => {
  const bearer = { authorization: 'Bearer mrt_right' };
  it('serves status and stop to the operator, status alone to the console, and nothing to others', async () => {
    let stops = 0;
    const server = await serveSupervisor(0, { operator: 'mrt_right', console: 'mrt_pages' }, { status: async () => ({ ready: true, services: [] }), stop: () => { stops += 1; } });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const status = await fetch(`${url}/v1/status`, { headers: bearer });
    expect([status.status, await status.json()]).toEqual([200, { ready: true, services: [] }]);
    const pages = { authorization: 'Bearer mrt_pages' };
    expect((await fetch(`${url}/v1/status`, { headers: pages })).status).toBe(200);
    for (const headers of [{}, { authorization: 'Bearer mrt_wrong' }, { authorization: 'mrt_right' }, pages]) expect((await fetch(`${url}/v1/stop`, { method: 'POST', headers })).status).toBe(401);
    expect(stops).toBe(0);
    expect((await fetch(`${url}/v1/stop`, { method: 'GET', headers: bearer })).status).toBe(404);
    expect((await fetch(`${url}/v1/stop`, { method: 'POST', headers: bearer })).status).toBe(202);
    expect(stops).toBe(1);
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  });
});

describe('the plan of a data folder', () => {
  it('makes every secret once, in files for the owner alone', () => {
    const passwords = [plan.password('analytics'), plan.password('security'), plan.password('analytics')];
    expect(passwords[0]).toBe(passwords[2]);
    expect(passwords[0]).not.toBe(passwords[1]);
    for (const file of [plan.rootKeyFile, plan.nkeySeedFile('analytics'), plan.xkey('ingestion').seedFile, plan.apiTokenFile('console')]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(plan.natsUrl).toBe(`nats://127.0.0.1:${ports.nats}`);
  });

  it('lists who may ask for keys, security itself aside', () => {
    const asking = (service: string, keys: boolean): ServiceManifest => ({ ...manifest('console'), service, keys, asks: ['query.security.keys.resolve'] });
    const clusters = [postgresCluster(home, 'events', 1, 'postgres://admin@db/postgres')];
    const other = environmentPlan(home, { home: home.root, workspace, external: { nats: 'nats://elsewhere:4222' }, inherited: {} }, ports, clusters, [asking('ingestion', false), asking('security', true), manifest('console')]);
    expect(other.keyAskers).toEqual(['ingestion']);
    expect([other.natsUrl, other.adminUrls.events]).toEqual(['nats://elsewhere:4222', 'postgres://admin@db/postgres']);
  });
});
