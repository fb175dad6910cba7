import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { eventually } from '@millrace/testing';

const root = resolve(import.meta.dirname, '../../..');
const tokens = `operator:${createHash('sha256').update('t').digest('hex')}`;

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  out(): string;
  err(): string;
}

const running: ChildProcess[] = [];
const run = (env: Record<string, string>, ...args: string[]): Run => {
  const child = spawn(process.execPath, ['--conditions=source', '--import', join(root, 'tools/swc-hook.mjs'), join(import.meta.dirname, 'fixtures/probe-main.ts'), ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  return { child, exit: new Promise((done) => child.once('close', (code) => done(code))), out: () => out, err: () => err };
};
const linesOf = (run_: Run): Record<string, unknown>[] => run_.out().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const listening = (started: Run): Promise<string> => eventually('listening', () => {
  const url = linesOf(started).find((line) => line['msg'] === 'listening')?.['url'];
  return typeof url === 'string' && url;
});
const free = { MILLRACE_HTTP_PORT: '0', MILLRACE_API_TOKENS: tokens };

afterAll(() => { for (const child of running) child.kill('SIGKILL'); });

describe('a service as a process', () => {
  it('reports every fault of its configuration at once and exits 1', async () => {
    const started = run({ MILLRACE_HTTP_PORT: 'x', MILLRACE_LOG_LEVEL: 'loud', MILLRACE_API_TOKEN: 'x' });
    expect(await started.exit).toBe(1);
    expect(started.err()).toContain('probe: MILLRACE_API_TOKEN is no setting of probe; is MILLRACE_API_TOKENS meant?');
    expect(started.err()).toContain('the configuration has 3 problem(s)');
    expect(started.err().match(/^ {2}[A-Z_]+:/gm)).toEqual(['  MILLRACE_HTTP_PORT:', '  MILLRACE_API_TOKENS:', '  MILLRACE_LOG_LEVEL:']);
  });

  it('prints its effective configuration on --check-config, secrets hidden, and exits 0', async () => {
    const started = run(free, '--check-config');
    expect(await started.exit).toBe(0);
    expect(JSON.parse(started.out())).toEqual({ MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: 0, MILLRACE_API_TOKENS: '***', MILLRACE_LOG_LEVEL: 'info' });
  });

  it('says in one line that its port is taken, and exits 1', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve_) => holder.once('listening', resolve_));
    const address = holder.address();
    const started = run({ ...free, MILLRACE_HTTP_PORT: String(typeof address === 'object' && address ? address.port : 0) });
    expect(await started.exit).toBe(1);
    expect(linesOf(started).filter((line) => line['level'] === 'fatal')).toEqual([expect.objectContaining({ msg: 'start failed', err: expect.objectContaining({ code: 'EADDRINUSE', message: expect.stringContaining('EADDRINUSE') }) })]);
    holder.close();
  });

  it('finishes what is in flight at SIGTERM, takes no more, and exits 0', async () => {
    const started = run(free);
    const url = await listening(started);
    const slow = fetch(`${url}/v1/slow`);
    await eventually('the request is in', () => started.out().includes('asked'));
    started.child.kill('SIGTERM');
    expect(await (await slow).json()).toEqual({ done: true });
    expect(await started.exit).toBe(0);
    expect(linesOf(started).map((line) => line['msg'])).toEqual(['listening', 'draining', 'drained']);
    await expect(fetch(`${url}/live`)).rejects.toThrow('fetch failed');
  });

  it('is not torn off by a SIGTERM while it starts: it drains as soon as it listens, and exits 0', async () => {
    const started = run(free);
    await eventually('a part works', () => started.out().includes('working'));
    started.child.kill('SIGTERM');
    expect(await started.exit).toBe(0);
    expect(linesOf(started).map((line) => line['msg'])).toEqual(['listening', 'draining', 'drained']);
  });

  it('sends spans of its requests over OTLP, under the caller\'s trace, and neither token nor address', async () => {
    const [bodies, paths]: [Buffer[], Set<string | undefined>] = [[], new Set()];
    const collector = createServer((request, response) => {
      paths.add(request.url);
      request.on('data', (chunk: Buffer) => bodies.push(chunk)).on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await new Promise((resolve_) => collector.once('listening', resolve_));
    const started = run({ ...free, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` });
    const url = await listening(started);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await fetch(`${url}/v1/slow?token=canary-token`, { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, 'x-forwarded-for': '203.0.113.9', 'user-agent': 'canary-agent' } });
    started.child.kill('SIGTERM');
    expect(await started.exit).toBe(0);
    const sent = Buffer.concat(bodies);
    for (const told of ['millrace-probe', Buffer.from(traceId, 'hex'), 'GET /v1/slow', 'http.route']) expect(sent.includes(told)).toBe(true);
    for (const kept of ['canary', '203.0.113.9', '127.0.0.1', 'url.query', 'address']) expect([kept, sent.includes(kept)]).toEqual([kept, false]);
    expect([...paths]).toEqual(['/v1/traces']);
    collector.close();
  });

  it('drains and exits 0 though the collector takes connections and never answers', async () => {
    const taken: Socket[] = [];
    const collector = createTcpServer((socket) => { taken.push(socket.on('error', () => undefined).resume()); }).listen(0, '127.0.0.1');
    await new Promise((resolve_) => collector.once('listening', resolve_));
    const started = run({ ...free, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` });
    await fetch(`${await listening(started)}/v1/slow`);
    started.child.kill('SIGTERM');
    expect(await started.exit).toBe(0);
    expect(linesOf(started).map((line) => line['msg'])).toEqual(['listening', 'draining', 'drained']);
    expect(taken.length).toBeGreaterThan(0);
    for (const socket of taken) socket.destroy();
    collector.close();
  });
});
