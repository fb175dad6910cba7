import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { cliConfigFrom, type CliConfig } from './cli.config.ts';
import { runningFile } from './client/platform-client.ts';
import { openHome, type Home } from './home/home.ts';
import { acquireLock } from './home/lock.ts';
import { writePrivate } from './home/private-file.ts';
import { apiToken } from './home/secret.ts';
import { errorLine, type Terminal } from './output/terminal.ts';
import { millraceProgram } from './program.ts';
import { PORT_OFFSETS, portPlan, takenPorts, type Listener } from './provision/port-plan.ts';

// For specs only: a folder of their own, free ports, and a platform whose services are stand-ins that answer what a spec tells them.

export const scratchFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  chmodSync(path, 0o755); // Postgres runs as another user when we are root
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** A base whose 23 ports nobody listens on just now. */
export const freeBase = async (): Promise<number> => {
  for (let candidate = 21_000 + Math.floor(Math.random() * 300) * 30; ; candidate += 30) {
    const plan = portPlan(candidate);
    if ((await takenPorts(plan, Object.keys(plan) as Listener[])).length === 0) return candidate;
  }
};

/** A checkout of stand-ins: file content by path. */
export const scratchWorkspace = (folder: string, files: Readonly<Record<string, string>>): string => {
  const root = join(folder, 'workspace');
  for (const [path, content] of Object.entries({ 'package.json': '{"name":"millrace-workspace","type":"module"}', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
};

export interface Heard {
  readonly listener: Listener;
  /** `GET /v1/logs?tenant=shop` */
  readonly request: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface CommandRun {
  readonly out: string[];
  readonly err: string[];
  readonly error?: string;
  readonly failed: boolean;
}

/** Runs a command line inside this process. */
export const runCommand = async (config: CliConfig, ...args: string[]): Promise<CommandRun> => {
  const run = { out: [] as string[], err: [] as string[], failed: false };
  const terminal: Terminal = { out: (text) => { run.out.push(text); }, err: (text) => { run.err.push(text); }, progress: new PassThrough().resume() };
  try {
    await millraceProgram({ config, terminal, fail: () => { run.failed = true; } }).parseAsync(['node', 'millrace', ...args]);
    return run;
  } catch (error) {
    return { ...run, error: errorLine(error), failed: true };
  }
};

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
};

interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  /** One JSON document a line, instead. */
  readonly lines?: readonly unknown[];
}
type Reply = Answer | ((heard: Heard) => Answer);

export interface StandInPlatform {
  readonly home: Home;
  readonly config: CliConfig;
  readonly base: number;
  readonly heard: Heard[];
  /** What a service answers to `METHOD /path`, the query aside. */
  on(listener: Listener, route: string, reply: Reply): void;
  /** A service that is away. */
  away(listener: Listener): Promise<void>;
  run(...args: string[]): Promise<CommandRun>;
  close(): Promise<void>;
}

const HTTP: readonly Listener[] = ['console', 'ingestion', 'security', 'analytics', 'warehouse', 'backbone', 'supervisor'];

/** A data folder held by this process, and a stand-in behind every port that a command may call. */
export const standInPlatform = async (folder: string, workspace?: string): Promise<StandInPlatform> => {
  const base = await freeBase();
  const home = openHome(join(folder, 'home'));
  const [replies, heard, servers] = [new Map<string, Reply>(), [] as Heard[], new Map<Listener, Server>()];
  for (const listener of HTTP) {
    const server = createServer((request, response) => {
      const route = `${request.method} ${request.url?.split('?')[0]}`;
      void bodyOf(request).then((body) => {
        const one: Heard = { listener, request: `${request.method} ${request.url}`, authorization: request.headers.authorization, body };
        heard.push(one);
        const reply = replies.get(`${listener} ${route}`) ?? { status: 404, json: { detail: `no stand-in for ${route}` } };
        const { status = 200, json, lines }: Answer = typeof reply === 'function' ? reply(one) : reply;
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(lines?.map((line) => `${JSON.stringify(line)}\n`).join('') ?? (json === undefined ? '' : JSON.stringify(json)));
      });
    });
    await new Promise<void>((resolve) => { server.listen(base + PORT_OFFSETS[listener], '127.0.0.1', resolve); });
    servers.set(listener, server);
  }
  writePrivate(home.path(...runningFile), JSON.stringify({ port: base }));
  apiToken(home, 'operator');
  const lock = acquireLock(home);
  const plain = cliConfigFrom({ MILLRACE_HOME: home.root, PATH: '/usr/bin:/bin' }, '/');
  const config = workspace === undefined ? plain : { ...plain, workspace };
  const away = (listener: Listener): Promise<void> => new Promise((resolve) => {
    servers.get(listener)?.closeAllConnections();
    servers.get(listener)?.close(() => resolve());
    servers.delete(listener);
  });
  return {
    home, config, base, heard, away,
    on: (listener, route, reply) => { replies.set(`${listener} ${route}`, reply); },
    run: (...args) => runCommand(config, ...args),
    close: async () => {
      lock.release();
      await Promise.all([...servers.keys()].map(away));
    },
  };
};

/** A stand-in platform for all tests of a file; what was heard is forgotten before each, what it answers is not. To be asked in tests only. */
export const sharedPlatform = (): StandInPlatform => {
  const folder = scratchFolder();
  let made: StandInPlatform;
  beforeAll(async () => { made = await standInPlatform(folder.path); });
  beforeEach(() => { made.heard.length = 0; });
  afterAll(async () => {
    await made.close();
    folder.remove();
  });
  return {
    get home() { return made.home; }, get config() { return made.config; }, get base() { return made.base; }, get heard() { return made.heard; },
    on: (...told) => made.on(...told), away: (listener) => made.away(listener), run: (...args) => made.run(...args), close: () => made.close(),
  };
};
