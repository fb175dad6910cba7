import { createHash } from 'node:crypto';
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DomainError, type Clock } from '@millrace/kernel';
import { Allow, buildService, CLOCK, Closing, defineConfig, HttpProblem, makeLogger, Principal, Readiness, type HttpConfig } from './index.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const lines: string[] = [];
const logger = makeLogger('probe', 'info', { write: (line) => { lines.push(line); } });

const failures: Record<string, () => never> = {
  missing: () => { throw new DomainError('not-found', 'product-unknown', {}, 'No product p1.'); },
  conflict: () => { throw new DomainError('conflict', 'product-retired'); },
  away: () => { throw new DomainError('unavailable', 'event-store-unavailable'); },
  gone: () => { throw new DomainError('unavailable', 'bus-unavailable'); },
  limited: () => { throw new HttpProblem(429, 'source-limited', 'Slower.', { source: 's1' }, 7); },
  bug: () => { throw new Error('alice@example.org is not valid JSON'); },
};

@Controller('v1')
class ProbeController {
  @Get('who')
  who(@Principal() principal: string) {
    return { principal };
  }

  @Get('operators')
  @Allow('operator')
  operators() {
    return { ok: true };
  }

  @Get('fail/:how')
  fail(@Param('how') how: string) {
    failures[how]?.();
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return body;
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const config: HttpConfig = {
  httpHost: '127.0.0.1', httpPort: 0, logLevel: 'info', otlpEndpoint: undefined,
  apiTokens: [{ principal: 'operator', sha256: sha256('op-token') }, { principal: 'console', sha256: sha256('console-token') }],
};

let app: NestFastifyApplication;
beforeAll(async () => {
  app = await buildService({ config: defineConfig('probe', {}), module: async () => ProbeModule }, config, logger);
});
afterAll(() => app.close());

const get = (url: string, token?: string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'GET', url, headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });

describe('a service', () => {
  it('answers live, ready and metrics without a token', async () => {
    expect((await get('/live')).json()).toEqual({ live: true });
    expect((await get('/ready')).json()).toEqual({ ready: true, checks: {} });
    const metrics = await get('/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain');
    expect(metrics.body).toContain('millrace_http_request_duration_seconds_count{method="GET",route="/live",status="200"}');
    expect(metrics.body).toContain('process_cpu_seconds_total');
    expect(metrics.body).toMatch(/millrace_build_info\{version="\d+\.\d+\.\d+"\} 1/);
  });

  it('says that its clock is moved, and tells it to whoever asks for the clock', async () => {
    const moved = await buildService({ config: defineConfig('probe', {}), module: async () => ProbeModule }, { ...config, clockOffsetMs: 86_400_000 }, logger);
    expect((await moved.inject({ method: 'GET', url: '/live' })).json()).toEqual({ live: true, clockOffsetMs: 86_400_000 });
    expect(moved.get<Clock>(CLOCK).now().getTime() - app.get<Clock>(CLOCK).now().getTime()).toBeGreaterThan(86_000_000);
    await moved.close();
  });

  it('is not ready while a check fails, and names the check by its code', async () => {
    const readiness = app.get(Readiness);
    readiness.add('events', () => { throw new DomainError('unavailable', 'event-store-unavailable'); });
    readiness.add('disk', () => Promise.reject(new Error('secret-path')));
    const answer = await get('/ready');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ ready: false, checks: { events: 'event-store-unavailable', disk: 'Error' } });
    readiness.add('events', () => undefined);
    readiness.add('disk', () => undefined);
    expect((await get('/ready')).statusCode).toBe(200);
  });

  it.each([undefined, '', 'wrong', 'op-token '.trim() + 'x'])('refuses the token %j with 401', async (token) => {
    const answer = await get('/v1/who', token);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json()).toMatchObject({ code: 'not-authenticated', status: 401 });
  });

  it('tells operator and console apart', async () => {
    expect((await get('/v1/who', 'op-token')).json()).toEqual({ principal: 'operator' });
    expect((await get('/v1/who', 'console-token')).json()).toEqual({ principal: 'console' });
    expect((await get('/v1/operators', 'op-token')).statusCode).toBe(200);
    expect((await get('/v1/operators', 'console-token')).json()).toMatchObject({ status: 403, code: 'principal-not-allowed' });
  });

  it.each([
    ['missing', 404, 'product-unknown'], ['conflict', 409, 'product-retired'], ['away', 503, 'event-store-unavailable'], ['limited', 429, 'source-limited'],
  ])('answers %s as a problem', async (how, status, code) => {
    const answer = await get(`/v1/fail/${how}`, 'op-token');
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ status, code, type: `urn:millrace:problem:${code}`, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('asks a caller to retry later when something is unavailable', async () => {
    expect((await get('/v1/fail/away', 'op-token')).headers['retry-after']).toBe('2');
    const limited = await get('/v1/fail/limited', 'op-token');
    expect(limited.headers['retry-after']).toBe('7');
    expect(limited.json()).toMatchObject({ source: 's1', detail: 'Slower.' });
  });

  it('answers an unknown error with 500 without detail and logs it once without its text', async () => {
    lines.length = 0;
    const answer = await get('/v1/fail/bug', 'op-token', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
    expect(answer.json()).toEqual({ type: 'urn:millrace:problem:internal-error', title: 'Internal error', status: 500, code: 'internal-error', traceId: '0af7651916cd43dd8448eb211c80319c' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"traceId":"0af7651916cd43dd8448eb211c80319c"');
    expect(lines[0]).not.toContain('alice');
  });

  it('leaves a line with the traceId of what is away, and one only while it stays away', async () => {
    lines.length = 0;
    const answers = await Promise.all([1, 2, 3].map(() => get('/v1/fail/gone', 'op-token')));
    const told = lines.map((line) => JSON.parse(line));
    expect(told[0]).toMatchObject({ level: 'warn', msg: 'request failed', code: 'bus-unavailable', route: '/v1/fail/:how' });
    expect(answers.map((answer) => answer.json().traceId)).toContain(told[0].traceId);
    expect(told.length + told.reduce((sum, { leftOut = 0 }) => sum + leftOut, 0)).toBeLessThanOrEqual(3);
  });

  it('answers what Fastify refuses as a problem of its own words', async () => {
    const post = (payload: string, type: string) => app.inject({ method: 'POST', url: '/v1/echo', payload, headers: { authorization: 'Bearer op-token', 'content-type': type } });
    expect((await post('{"a":', 'application/json')).json()).toMatchObject({ status: 400, code: 'request-malformed' });
    expect((await post('<a/>', 'text/xml')).json()).toMatchObject({ status: 415, code: 'content-type-unsupported' });
    expect((await post(JSON.stringify('x'.repeat(1024 * 1024)), 'application/json')).json()).toMatchObject({ status: 413, code: 'body-too-large' });
    expect((await get('/v1/nothing', 'op-token')).json()).toMatchObject({ status: 404, code: 'route-not-found' });
  });
});

describe('closing', () => {
  it('closes in reverse order, tells loops first, and goes on after one that fails', async () => {
    const order: string[] = [];
    const second = await buildService({ config: defineConfig('probe', {}), module: async () => ProbeModule }, config, logger);
    const closing = second.get(Closing);
    closing.signal.addEventListener('abort', () => order.push('signal'));
    closing.add('pool', () => { order.push('pool'); });
    closing.add('broken', () => { order.push('broken'); throw new Error('x'); });
    closing.add('consumer', async () => { order.push('consumer'); });
    await second.close();
    expect(order).toEqual(['signal', 'consumer', 'broken', 'pool']);
  });
});
