import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome, type Home } from '../home/home.ts';
import { acquireLock } from '../home/lock.ts';
import { writePrivate } from '../home/private-file.ts';
import { apiToken } from '../home/secret.ts';
import { portPlan } from '../provision/port-plan.ts';
import { connectPlatform, PlatformClient, runningFile } from './platform-client.ts';
import { ownSourceKey, sourceKeyFile } from './source-keys.ts';

interface Seen { readonly method: string; readonly url: string; readonly authorization: string | undefined; readonly body: string }

let server: Server;
let client: PlatformClient;
let folder: string;
let home: Home;
let seen: Seen[];
let answer: { status: number; body: string };

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-client-'));
  home = openHome(folder);
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization, body });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  // Whatever service a test speaks to stands at this one's port.
  const { port } = server.address() as AddressInfo;
  client = new PlatformClient({ ...portPlan(port), ingestion: port, analytics: port, console: 1 }, 'mrt_token');
});
beforeEach(() => { seen = []; answer = { status: 200, body: '{}' }; });
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
  rmSync(folder, { recursive: true, force: true });
});

describe('a call', () => {
  it('carries the token, repeats a repeated parameter and leaves out what is not set', async () => {
    answer.body = '{"rows":[]}';
    expect(await client.call('analytics', '/v1/metrics/orders', { query: { tenant: 'shop', by: undefined, where: ['country=France', 'source=a b'] } })).toEqual({ rows: [] });
    expect(seen).toEqual([{ method: 'GET', url: '/v1/metrics/orders?tenant=shop&where=country%3DFrance&where=source%3Da+b', authorization: 'Bearer mrt_token', body: '' }]);
  });

  it('gives undefined where there is no answer body', async () => {
    answer = { status: 200, body: '' };
    expect(await client.call('ingestion', '/v1/sources/x', { method: 'DELETE' })).toBeUndefined();
  });

  it.each([[400, 'invalid'], [401, 'forbidden'], [403, 'forbidden'], [404, 'not-found'], [409, 'conflict'], [422, 'invalid'], [503, 'unavailable']])('with status %d becomes an error of kind %s in the service\'s own words', async (status, kind) => {
    answer = { status, body: JSON.stringify({ title: 'Title', detail: 'Do it differently.', code: 'its-code' }) };
    await expect(client.call('ingestion', '/v1/sources')).rejects.toMatchObject({ kind, code: 'its-code', message: 'Do it differently.' });
  });

  it('to something that isn\'t ours becomes an error that says so', async () => {
    answer = { status: 502, body: '<html>' };
    await expect(client.call('ingestion', '/v1/sources')).rejects.toMatchObject({ kind: 'unavailable', message: 'ingestion answered 502' });
  });

  it('to nobody becomes an error that names the address', async () => {
    await expect(client.call('console', '/')).rejects.toThrow(/^console does not answer at http:\/\/127\.0\.0\.1:1: `npx millrace status`/);
  });
});

describe('the source key this folder uses itself', () => {
  const wish = { tenant: 'shop', name: 'import', recordOf: ['sales'] };

  it('is asked for once and then kept in a private file', async () => {
    answer = { status: 201, body: JSON.stringify({ tenant: 'shop', name: 'import', key: 'msk_one' }) };
    expect(await ownSourceKey(client, home, wish)).toBe('msk_one');
    expect(await ownSourceKey(client, home, wish)).toBe('msk_one');
    expect(seen.map((request) => JSON.parse(request.body) as unknown)).toEqual([wish]);
    expect(readFileSync(sourceKeyFile(home, 'shop', 'import'), 'utf8')).toBe('msk_one\n');
    expect(statSync(sourceKeyFile(home, 'shop', 'import')).mode & 0o777).toBe(0o600);
  });

  it('of a source made elsewhere is never taken over', async () => {
    answer = { status: 409, body: JSON.stringify({ code: 'source-exists', detail: 'exists' }) };
    await expect(ownSourceKey(client, home, { ...wish, name: 'other' })).rejects.toThrow(/source other of tenant shop exists, but its key is not in .*: revoke it/);
  });

  it('passes other errors on', async () => {
    answer = { status: 503, body: JSON.stringify({ detail: 'later' }) };
    await expect(ownSourceKey(client, home, { ...wish, name: 'third' })).rejects.toThrow('later');
  });
});

describe('the platform of a data folder', () => {
  it('is found by what its supervisor left there, while that lives', () => {
    expect(() => connectPlatform(folder)).toThrow(/not running from/);
    writePrivate(home.path(...runningFile), '{"port":7600}');
    apiToken(home, 'operator');
    const lock = acquireLock(home);
    expect(connectPlatform(folder).urlOf('warehouse')).toBe('http://127.0.0.1:7604');
    lock.release();
    expect(() => connectPlatform(folder)).toThrow(/start it with `npm start`/);
  });
});
