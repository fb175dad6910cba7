import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { homeAt } from '../home/home.ts';
import { runCommand, scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';
import type { StatusDocument } from './status.ts';

const folder = scratchFolder();
let platform: StandInPlatform;
beforeAll(async () => { platform = await standInPlatform(folder.path); });
afterAll(async () => {
  await platform.close();
  folder.remove();
});

const service = (name: string, healthy = true) => ({ name, url: `http://127.0.0.1/${name}`, healthy, pssBytes: 104_857_600, pid: 4711, restarts: 0 });
const sales = { tenant: 'shop', log: 'sales/0', epoch: 1_795_000_000, head: 30, relayed: 29, state: 'relaying' };
const sums = { tenant: 'shop', source: 'import', received: 33, accepted: 30, duplicate: 1, rejected: 1, unanswered: 1 };

beforeEach(() => {
  platform.heard.length = 0;
  platform.on('supervisor', 'GET /v1/status', { json: { ready: true, services: [service('ingestion'), service('supervisor')] } });
  platform.on('backbone', 'GET /v1/logs', { json: { logs: [sales] } });
  platform.on('ingestion', 'GET /v1/accounting', { json: { sources: [sums] } });
  platform.on('backbone', 'GET /v1/differences', { json: { differences: [] } });
  platform.on('analytics', 'GET /v1/consumers', { json: { consumers: [{ tenant: 'shop', log: 'sales/0', epoch: 1_795_000_000, position: 28, state: 'running', parked: 0 }] } });
  platform.on('warehouse', 'GET /v1/consumers', { json: { consumers: [{ tenant: 'shop', log: 'sales/0', epoch: 1_795_000_000, position: 12, state: 'running', parked: 0 }] } });
});
const document = async (...args: string[]): Promise<StatusDocument> => JSON.parse((await platform.run('status', '--json', ...args)).out[0]!) as StatusDocument;

describe('millrace status', () => {
  it('is one document of services, logs with their consumers, and sums per source', async () => {
    const { out, err, failed } = await platform.run('status', '--json');
    expect([out.length, err, failed]).toEqual([1, [], false]);
    expect(JSON.parse(out[0]!)).toMatchObject({
      ready: true,
      services: [{ name: 'ingestion', url: expect.any(String), healthy: true, pssBytes: 104_857_600 }, { name: 'supervisor' }],
      logs: [{ tenant: 'shop', log: 'sales/0', epoch: 1_795_000_000, head: 30, relayed: 29, consumers: [{ name: 'analytics', position: 28 }, { name: 'warehouse', position: 12, state: 'running' }] }],
      sources: [sums],
    });
  });

  it('asks for all tenants, or for one', async () => {
    await document();
    expect(platform.heard.filter(({ request }) => request.includes('tenant'))).toEqual([]);
    await document('--tenant', 'demo');
    expect(platform.heard.map(({ request }) => request)).toEqual(expect.arrayContaining(['GET /v1/logs?tenant=demo', 'GET /v1/accounting?tenant=demo', 'GET /v1/consumers?tenant=demo']));
  });

  it('names counts that differ and fails, though everything runs', async () => {
    const difference = { tenant: 'shop', kind: 'consumer-count', about: 'warehouse/sales/0', expected: '30 events from 1 to 30', actual: '29 events taken', since: '2026-11-01T00:00:00.000Z' };
    platform.on('backbone', 'GET /v1/differences', { json: { differences: [difference] } });
    const { out, err, failed } = await platform.run('status', '--json');
    expect([JSON.parse(out[0]!), err, failed]).toEqual([expect.objectContaining({ ready: true, differences: [difference] }), ['millrace: 1 counts differ: consumer-count warehouse/sales/0'], true]);
    expect((await platform.run('status')).out.join()).toContain('shop warehouse/sales/0 (consumer-count): expected 30 events from 1 to 30; got 29 events taken; since 2026-11-01T00:00:00.000Z');
  });

  it('is readable without --json', async () => {
    const [text] = (await platform.run('status')).out;
    expect(text).toContain('ready\n');
    expect(text).toContain('memory together: 200 MB');
    expect(text).toContain('analytics 28, warehouse 12');
    expect(text).toMatch(/shop +import +33 +30 +1 +1 +1/);
  });

  it('shouts about a relay or a consumer that stands still as diverged, and fails, though everything runs', async () => {
    platform.on('backbone', 'GET /v1/logs', { json: { logs: [{ ...sales, state: 'diverged' }] } });
    platform.on('warehouse', 'GET /v1/consumers', { json: { consumers: [{ tenant: 'shop', log: 'sales/0', epoch: 1_795_000_000, position: 12, state: 'diverged', reason: 'ahead of the log', parked: 0 }] } });
    const { out, err, failed } = await platform.run('status');
    expect(out[0]).toMatch(/sales\/0 +30 +29 DIVERGED +analytics 28, warehouse 12 DIVERGED/);
    expect([err, failed]).toEqual([['millrace: diverged: relay at shop sales/0, warehouse at shop sales/0; see `millrace recover`'], true]);
  });

  it('reports an old snapshot on the event database, and only an old one', async () => {
    platform.on('backbone', 'GET /v1/snapshots', { json: { snapshotSeconds: 12.4, transactionSeconds: 12.4, snapshots: 1, complete: true, thresholdSeconds: 60, alert: false } });
    expect((await platform.run('status')).out[0]).not.toContain('SNAPSHOT');
    expect((await document()).oldestSnapshot).toMatchObject({ snapshotSeconds: 12.4, alert: false });
    platform.on('backbone', 'GET /v1/snapshots', { json: { snapshotSeconds: 90.2, transactionSeconds: 90.2, snapshots: 1, complete: true, thresholdSeconds: 60, alert: true } });
    expect((await platform.run('status')).out[0]).toContain('OLD SNAPSHOT: open for 90 s on the event database (reported beyond 60 s)');
  });

  it('gives the document and fails when a service is not healthy, naming it', async () => {
    platform.on('supervisor', 'GET /v1/status', { json: { ready: false, services: [service('ingestion', false), service('supervisor')] } });
    const { out, err, failed } = await platform.run('status', '--json');
    expect(JSON.parse(out[0]!)).toMatchObject({ ready: false });
    expect(err).toEqual([expect.stringMatching(/^millrace: not ready: ingestion not healthy, see .*\/logs$/)]);
    expect(failed).toBe(true);
  });

  it('says that the platform is still starting when all that runs is healthy', async () => {
    platform.on('supervisor', 'GET /v1/status', { json: { ready: false, services: [service('supervisor')] } });
    expect((await platform.run('status')).err).toEqual(['millrace: not ready, still starting']);
  });

  it('tells what it can while a service doesn\'t answer, and names that one', async () => {
    platform.on('backbone', 'GET /v1/logs', { status: 503, json: { detail: 'away' } });
    expect(await document()).toMatchObject({ logs: [], sources: [sums], unanswered: ['backbone'] });
    platform.on('supervisor', 'GET /v1/status', { json: { ready: true, services: [service('backbone')] } });
    expect(await platform.run('status')).toMatchObject({ failed: true, err: expect.arrayContaining(['millrace: backbone did not answer: its part is missing']) });
  });

  it('asks nobody about a tenant that can\'t be', async () => {
    expect(await platform.run('status', '--tenant', 'BAD TENANT', '--json')).toMatchObject({ out: [], failed: true, error: expect.stringContaining('A tenant is 1 to 32 of') });
    expect((await platform.run('metric', 'orders', '--tenant', '--json')).error).toBe('--tenant wants a name; got the option "--json"');
    expect(platform.heard).toEqual([]);
  });

  it('of a folder that nobody runs is an error, not a document', async () => {
    const idle = await runCommand({ ...platform.config, home: homeAt(`${folder.path}/idle`).root }, 'status', '--json');
    expect(idle).toMatchObject({ out: [], failed: true, error: expect.stringContaining('not running from') });
  });
});
