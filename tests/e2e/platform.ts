import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isPortFree } from '@millrace/embedded';

export const root = resolve(import.meta.dirname, '../..');
const entry = join(root, 'apps/cli/dist/main.js');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment a fresh machine has: nothing of the test run's own. */
const cleanEnv = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'], HOME: process.env['HOME'], MILLRACE_HOME: home,
  ...(process.env['MILLRACE_NATS_SERVER'] === undefined ? {} : { MILLRACE_NATS_SERVER: process.env['MILLRACE_NATS_SERVER'] }),
});

const collect = (child: ChildProcess, onText: (text: string) => void): Promise<CommandResult> => {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { stdout += text; onText(text); });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { stderr += text; onText(text); });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
};

/** Runs `millrace <args>` against a home folder. */
export const millrace = (home: string, ...args: string[]): Promise<CommandResult> =>
  collect(spawn(process.execPath, [entry, ...args], { cwd: root, env: cleanEnv(home), stdio: ['ignore', 'pipe', 'pipe'] }), () => undefined);

/** Runs a command with `--json` and parses the one document it may print. Throws with its error line when it fails. */
export const millraceJson = async <T>(home: string, ...args: string[]): Promise<T> => {
  const result = await millrace(home, ...args, '--json');
  if (result.code !== 0) throw new Error(`millrace ${args.join(' ')} exited ${result.code}: ${result.stderr.trim()}`);
  return JSON.parse(result.stdout) as T;
};

/** In the background, for what must go on while something else is broken. */
export const millraceInBackground = (home: string, ...args: string[]): { child: ChildProcess; done: Promise<CommandResult> } => {
  const child = spawn(process.execPath, [entry, ...args], { cwd: root, env: cleanEnv(home), stdio: ['ignore', 'pipe', 'pipe'] });
  return { child, done: collect(child, () => undefined) };
};

/** The platform takes the 23 ports from its base on: a base whose ports are free. */
export const freeBase = async (): Promise<number> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    // Below the ports that the kernel gives to outgoing connections (32768 on): one of those would be taken by the time a killed service comes back.
    const base = 20_000 + Math.floor(Math.random() * 200) * 50;
    const free = await Promise.all(Array.from({ length: 23 }, (_, n) => isPortFree(base + n)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no 23 free ports in a row');
};

export const freshHome = async (): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), 'millrace-e2e-'));
  await chmod(home, 0o755); // Postgres runs as another user when we are root
  return home;
};

export interface Platform {
  readonly home: string;
  readonly base: number;
  readonly pid: number;
  /** The one-time link, when nobody has logged in yet. */
  readonly loginLink: string | undefined;
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
  /** kill -9 of the supervisor: its children go with it, and are gone when this returns. */
  kill(): Promise<void>;
}

/** Who still works in a home: a Postgres server by its folder, everything else by its command line or its environment. */
const processesOf = async (home: string): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name) && name !== String(process.pid));
  const traces = await Promise.all(pids.map(async (pid) => Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => ''), readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
  ])));
  return pids.filter((_, n) => traces[n]!.some((trace) => trace.includes(home)));
};

/** `millrace up --no-open`, ready when it returns. Throws with everything it printed when it ends before. */
export const startPlatform = async (options: { home: string; base: number; demo?: boolean; env?: Readonly<Record<string, string>> }): Promise<Platform> => {
  const args = ['up', '--no-open', '--port', String(options.base), ...(options.demo === true ? [] : ['--no-demo'])];
  const child = spawn(process.execPath, [entry, ...args], { cwd: root, env: { ...cleanEnv(options.home), ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const { promise: ready, resolve: markReady } = Promise.withResolvers<void>();
  const done = collect(child, (text) => { output += text; if (/Ctrl-C drains/.test(output)) markReady(); });
  await Promise.race([ready, done.then((result) => { throw new Error(`millrace up exited ${result.code}:\n${output}`); })]);
  return {
    home: options.home, base: options.base, pid: child.pid!, output: () => output,
    loginLink: /https?:\/\/\S+token=\S+/.exec(output)?.[0],
    stop: async () => { child.kill('SIGTERM'); return (await done).code; },
    kill: async () => {
      child.kill('SIGKILL');
      await done;
      await until('every process of the killed platform to be gone', async () => ((await processesOf(options.home)).length === 0 ? true : undefined));
    },
  };
};

export interface StatusDocument {
  readonly ready: boolean;
  readonly services: readonly { readonly name: string; readonly url: string; readonly healthy: boolean; readonly pssBytes: number; readonly pid?: number }[];
  readonly logs: readonly { readonly tenant: string; readonly log: string; readonly epoch: number; readonly head: number; readonly relayed: number; readonly consumers: readonly { readonly name: string; readonly position: number; readonly state?: string }[] }[];
  readonly sources: readonly { readonly tenant: string; readonly source: string; readonly received: number; readonly accepted: number; readonly duplicate: number; readonly rejected: number; readonly unanswered: number }[];
}

/** Answers while parts are down too: the document is printed, only the exit code says that not all is well. */
export const status = async (home: string, ...more: string[]): Promise<StatusDocument> => {
  const result = await millrace(home, 'status', ...more, '--json');
  if (result.stdout === '') throw new Error(`millrace status exited ${result.code}: ${result.stderr.trim()}`);
  return JSON.parse(result.stdout) as StatusDocument;
};

/** Keeps asking until `probe` holds; throws with what it last saw. */
export const until = async <T>(what: string, probe: () => Promise<T | undefined>, deadlineMs = 240_000): Promise<T> => {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    const answer = await probe().catch((error: unknown) => { last = error; return undefined; });
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`, { cause: last });
    await new Promise((next) => setTimeout(next, 300));
  }
};

/** Every log of the tenant is relayed, and whoever reads it stands at its head; the sales log is read by analytics and the warehouse. */
export const caughtUp = (home: string, tenant = 'shop'): Promise<StatusDocument> => until(`consumers of ${tenant} at the head`, async () => {
  const document = await status(home);
  const logs = document.logs.filter((log) => log.tenant === tenant);
  const readers = logs.find((log) => log.log === 'sales/0')?.consumers.length ?? 0;
  const settled = logs.every((log) => log.relayed === log.head && log.consumers.every((consumer) => consumer.position === log.head));
  return readers >= 2 && settled ? document : undefined;
});

export const copyHome = async (from: string): Promise<string> => {
  const to = await freshHome();
  await cp(from, to, { recursive: true, preserveTimestamps: true });
  return to;
};

export const removeHome = (home: string): Promise<void> => rm(home, { recursive: true, force: true, maxRetries: 5 });

export const readLines = async (file: string): Promise<string[]> => (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
