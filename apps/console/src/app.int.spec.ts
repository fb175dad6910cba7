import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { buildService, drainService, makeLogger } from '@millrace/service-kit';
import { eventually } from '@millrace/testing';
import { AppModule } from './app.module.ts';
import { consoleConfig } from './console.config.ts';
import { protectAnswers } from './site/answer-headers.ts';
import { serveSite } from './site/static-site.ts';

const SESSION = 'a'.repeat(43);
const PROCESS = { name: 'nats', url: null, healthy: true, pssBytes: 7_000_000, pid: 1, restarts: 2 };

/** Stands where the other services listen: answers by path, hangs where told to, and keeps what it was asked. */
interface Asked { readonly path: string; readonly headers: IncomingMessage['headers']; gone: boolean }
let asked: Asked[];
let hanging: ReadonlySet<string>;
let others: Server;
let folder: string;
let app: NestFastifyApplication;
let address: string;

const ANSWERS: Readonly<Record<string, object>> = {
  '/v1/sessions/current': { name: 'ada' }, '/v1/status': { ready: true, services: [PROCESS] }, '/v1/logs': { logs: [] }, '/v1/accounting': { sources: [] },
  '/v1/consumers': { consumers: [] }, '/v1/differences': { differences: [] }, '/v1/snapshots': {}, '/ready': {}, '/v1/metrics': { metrics: [] },
};

const answerFor = (request: IncomingMessage, response: ServerResponse): void => {
  const { pathname } = new URL(request.url ?? '', 'http://other.invalid');
  const one: Asked = { path: pathname, headers: request.headers, gone: false };
  asked.push(one);
  response.once('close', () => { one.gone = !response.writableFinished; });
  if (hanging.has(pathname)) return;
  response.setHeader('content-type', 'application/json');
  const unknown = pathname === '/v1/sessions/current' && request.headers['x-millrace-session'] !== SESSION;
  response.writeHead(unknown ? 401 : 200).end(JSON.stringify(unknown ? { code: 'session-unknown', detail: 'ended' } : ANSWERS[pathname]));
};

beforeAll(async () => {
  others = createServer(answerFor).listen(0, '127.0.0.1');
  await once(others, 'listening');
  const place = others.address();
  const url = `http://127.0.0.1:${typeof place === 'object' ? place?.port : 0}`;
  folder = await mkdtemp(join(tmpdir(), 'millrace-console-'));
  await writeFile(join(folder, 'console.token'), 'mrt_console', { mode: 0o600 });
  const config = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal' as const, otlpEndpoint: undefined, apiTokens: [], apiTokenFile: join(folder, 'console.token'), secureCookie: false,
    analyticsUrl: url, backboneUrl: url, ingestionUrl: url, securityUrl: url, supervisorUrl: url, warehouseUrl: url,
  };
  const prepare = (fastify: Parameters<typeof serveSite>[0]): void => { protectAnswers(fastify); serveSite(fastify); };
  app = await buildService({ config: consoleConfig, module: async () => AppModule, http: { prepare } }, config, makeLogger('console', 'fatal'));
  await app.listen(0, '127.0.0.1');
  address = await app.getUrl();
});
beforeEach(() => { [asked, hanging] = [[], new Set()]; });
afterAll(async () => {
  await drainService(app);
  others.closeAllConnections();
  others.close();
  await rm(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}, session = SESSION, signal?: AbortSignal): Promise<Response> =>
  fetch(`${address}${path}`, { headers: { cookie: `millrace_session=${session}`, ...headers }, signal: signal ?? null });
const sessionQuestions = (session: string): (string | undefined)[] =>
  asked.filter(({ path, headers }) => path === '/v1/sessions/current' && headers['x-millrace-session'] === session).map(({ headers }) => headers['x-millrace-background']?.toString());

describe('a page\'s refresh', () => {
  it('is told to security as one, so that it keeps no session from going idle; a visitor\'s own question is not hidden behind it', async () => {
    const other = 'b'.repeat(43);
    for (const headers of [{ 'x-millrace-background': '1' }, { 'x-millrace-background': '1' }, {}] as Record<string, string>[]) expect((await get('/api/logs', headers, other)).status).toBe(401);
    expect(sessionQuestions(other)).toEqual(['1', '1', undefined]);
    for (const headers of [{ 'x-millrace-background': '1' }, { 'x-millrace-background': '1' }, {}, {}, { 'x-millrace-background': '1' }] as Record<string, string>[]) expect((await get('/api/logs', headers)).status).toBe(200);
    expect(sessionQuestions(SESSION)).toEqual(['1', undefined]);
  });
});

describe('a question passed on', () => {
  it('ends when the browser no longer waits', async () => {
    hanging = new Set(['/v1/metrics/orders']);
    const gone = new AbortController();
    const answer = get('/api/metrics/orders?tenant=shop', {}, SESSION, gone.signal).catch(() => undefined);
    await eventually('the question', () => asked.some(({ path }) => path === '/v1/metrics/orders'));
    gone.abort();
    await answer;
    expect(await eventually('its end', () => asked.some(({ path, gone: ended }) => path === '/v1/metrics/orders' && ended))).toBe(true);
  });
});

describe('the system page\'s answer', () => {
  it('has what the supervisor tells of every process, asked with the console\'s own token', async () => {
    const body = await (await get('/api/system?tenant=shop')).json() as { processes: unknown; failed: unknown };
    expect(body).toMatchObject({ processes: [PROCESS], failed: [] });
    expect(asked.find(({ path }) => path === '/v1/status')?.headers.authorization).toBe('Bearer mrt_console');
  });

  it('comes without the parts that hang, and names them', async () => {
    hanging = new Set(['/v1/logs', '/v1/status', '/ready']);
    const body = await (await get('/api/system?tenant=shop')).json() as { logs?: unknown; sources: unknown; processes?: unknown; failed: string[]; services: { healthy: boolean }[] };
    expect(body.failed.toSorted()).toEqual(['logs', 'memory and restarts']);
    expect([body.logs, body.processes, body.sources]).toEqual([undefined, undefined, []]);
    expect(body.services.map(({ healthy }) => healthy)).toEqual([true, false, false, false, false, false]);
  });
});

describe('every answer', () => {
  it.each(['/api/logs', '/api/session', '/api/nothing'])('of %s is kept by nobody, taken for nothing else, and tells no address', async (path) => {
    const { headers } = await get(path);
    expect(Object.fromEntries(headers)).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });

  it('to an unknown address is a problem for a program', async () => {
    for (const path of ['/overview', '/api/nothing']) {
      const response = await get(path, { accept: 'application/json' });
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 404, expect.stringContaining('application/problem+json')]);
    }
  });
});
