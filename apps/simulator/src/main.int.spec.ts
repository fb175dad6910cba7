import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { eventually, natsUrl } from '@millrace/testing';

// The simulator as the process that the supervisor starts, from source.
const root = resolve(import.meta.dirname, '../../..');
const SOURCE = ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', join(root, 'tools/swc-hook.mjs'), join(root, 'apps/simulator/src/main.ts')];

interface Ended { readonly code: number | null; readonly out: string; readonly err: string }

const folder = mkdtempSync(join(tmpdir(), 'millrace-simulator-main-'));
const keyFile = join(folder, 'source.key');
const seedFile = join(folder, 'simulator.nkey');
let intake: Server;
let environment: Record<string, string>;
let received: { readonly id: string }[];
let busy: boolean;

beforeAll(async () => {
  writeFileSync(keyFile, 'msk_test\n', { mode: 0o600 });
  writeFileSync(seedFile, new TextDecoder().decode(createUser().getSeed()), { mode: 0o600 });
  intake = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => {
      if (busy) return response.writeHead(503, { 'retry-after': '1' }).end('{}');
      const events = JSON.parse(text) as { id: string }[];
      received.push(...events);
      return response.writeHead(202).end(JSON.stringify({ outcomes: events.map(({ id }, index) => ({ index, id, outcome: 'accepted', log: 'sales/0', position: index + 1 })), dropped: 0 }));
    });
  });
  await new Promise<void>((listening) => { intake.listen(0, '127.0.0.1', listening); });
  environment = {
    PATH: process.env['PATH'] ?? '', MILLRACE_INGESTION_HTTP_URL: `http://127.0.0.1:${(intake.address() as AddressInfo).port}`,
    MILLRACE_SOURCE_KEY_FILE: keyFile, MILLRACE_NATS_URL: natsUrl(), MILLRACE_NATS_SEED_FILE: seedFile,
  };
});
beforeEach(() => { received = []; busy = false; });
afterAll(async () => {
  intake.closeAllConnections();
  await new Promise((closed) => { intake.close(closed); });
  rmSync(folder, { recursive: true, force: true });
});

const start = (args: readonly string[], env = environment): { child: ChildProcess; ended: Promise<Ended> } => {
  const child = spawn(process.execPath, [...SOURCE, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { heard.out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { heard.err += text; });
  return { child, ended: new Promise((done) => { child.once('close', (code) => done({ code, ...heard })); }) };
};
const run = (args: readonly string[], env = environment): Promise<Ended> => start(args, env).ended;

describe('the simulator as a process', () => {
  it('runs for its time and prints one report', async () => {
    const journal = join(folder, 'journal.jsonl');
    const { code, out, err } = await run(['--for', '600ms', '--rate', '200', '--seed', '5', '--tenant', 'shop', '--journal', journal]);
    expect([code, err]).toEqual([0, 'simulator: 200 events/s for 0.6 s: 120 events after the opening\n']);
    expect(JSON.parse(out)).toMatchObject({ tenant: 'shop', seed: 5, rate: 200, sent: received.length, accepted: received.length, rejected: 0 });
    expect(received.length - 240).toBeGreaterThanOrEqual(120);
    expect(received.length - 240).toBeLessThanOrEqual(122); // the last fact may bring a duplicate and a broken event
    expect(readFileSync(journal, 'utf8').trim().split('\n')).toHaveLength(received.length);
  });

  it('sends what waits when it is asked to end, and exits 0', async () => {
    const { child, ended } = start(['--rate', '100']);
    await eventually('its first events', () => received.length > 240);
    child.kill('SIGTERM');
    const { code, out } = await ended;
    expect([code, (JSON.parse(out) as { sent: number }).sent]).toEqual([0, received.length]);
  });

  it('says that it waits, and what it could not send in the end', async () => {
    busy = true;
    const { child, ended } = start(['--rate', '10']);
    let said = '';
    child.stderr?.on('data', (text: string) => { said += text; });
    await eventually('its patience', () => said.includes('status 503; sending again in 1000 ms'));
    child.kill('SIGTERM');
    const { code, out, err } = await ended;
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/simulator: the intake did not answer; what waited was not sent\n$/);
  });

  it('prints its settings and sends nothing with --check-config', async () => {
    const { code, out } = await run(['--check-config']);
    expect([code, JSON.parse(out)]).toEqual([0, {
      MILLRACE_INGESTION_HTTP_URL: environment['MILLRACE_INGESTION_HTTP_URL'], MILLRACE_SOURCE_KEY_FILE: keyFile, MILLRACE_NATS_URL: natsUrl(), MILLRACE_NATS_SEED_FILE: seedFile,
    }]);
    expect(received).toEqual([]);
  });

  it('fails in one line for a wrong option', async () => {
    const { code, out, err } = await run(['--rate', 'fast']);
    expect([code, out, err.trim().split('\n').length]).toEqual([1, '', 1]);
    expect(err).toMatch(/--rate wants a whole number/);
  });

  it('names everything that is wrong with its settings, one a line', async () => {
    const { code, out, err } = await run([], { ...environment, MILLRACE_INGESTION_HTTP_URL: '', MILLRACE_SOURCE_KEY_FILE: join(folder, 'nothing') });
    expect([code, out]).toEqual([1, '']);
    expect(err.trim().split('\n')).toEqual([
      'simulator: the configuration has 2 problem(s)', expect.stringMatching(/^ {2}MILLRACE_INGESTION_HTTP_URL: is not set/), expect.stringMatching(/^ {2}MILLRACE_SOURCE_KEY_FILE: expected a file that can be read, got ENOENT/),
    ]);
  });

  it('refuses a key that others can read', async () => {
    const open = join(folder, 'open.key');
    writeFileSync(open, 'msk_open');
    chmodSync(open, 0o644);
    const { code, err } = await run([], { ...environment, MILLRACE_SOURCE_KEY_FILE: open });
    expect([code, err]).toEqual([1, expect.stringContaining('chmod 600')]);
  });
});
