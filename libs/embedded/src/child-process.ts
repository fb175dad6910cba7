import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, readlink, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** Below the ports that the kernel gives to outgoing connections (32768 on, ip_local_port_range): one of those may be taken while its server restarts. */
const [FIRST_PORT, LAST_PORT] = [30_100, 32_700];
const PORTS_TRIED = 200;

/** Whether nobody listens on a port of 127.0.0.1 just now. */
export const isPortFree = (port: number): Promise<boolean> => new Promise((resolve) => {
  const probe = createServer().once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
});

/** An unused TCP port on 127.0.0.1, one that no outgoing connection is given. Another server may take it before it is used: callers retry or report. */
export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < PORTS_TRIED; tried += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free TCP port on 127.0.0.1 between ${FIRST_PORT} and ${LAST_PORT}: ${PORTS_TRIED} were tried`);
};

/** Every process that works in a folder, as a Postgres server and all of its sessions do in their data folder. */
export const workingIn = async (folder: string): Promise<number[]> => {
  const real = await realpath(folder);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)));
  return pids.filter((_, at) => folders[at] === real).map(Number);
};

let setprivFound: Promise<boolean> | undefined;
/** util-linux's setpriv ties a server's life to ours and changes its uid; without it (macOS, busybox) servers are stopped by hand. */
const hasSetpriv = (): Promise<boolean> => (setprivFound ??= run('setpriv', ['--version']).then(() => true, () => false));

export interface SpawnedServer {
  readonly child: ChildProcess;
  readonly exited: Promise<number | string>;
}

export interface SpawnOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Sent to the server by the kernel when this process dies, however it dies. */
  readonly deathSignal: 'QUIT' | 'TERM' | 'KILL';
  /** Drop from root to this uid: Postgres refuses to run as root. */
  readonly uid?: number;
  readonly logFile?: string;
  readonly onStderr?: (text: string) => void;
}

/** Starts a long-running server that can't outlive us (where setpriv exists). The pid is the server's own. */
export const spawnServer = async (options: SpawnOptions): Promise<SpawnedServer> => {
  // A checkout below a private home folder can't be walked by another uid; this capability restores reading and nothing else.
  const identity = options.uid === undefined ? [] : [
    `--reuid=${options.uid}`, `--regid=${options.uid}`, '--clear-groups', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search',
  ];
  const wrapped = await hasSetpriv();
  if (!wrapped && options.uid !== undefined) throw new Error('Running as root needs setpriv (package util-linux) to start Postgres as another user; install it or run as an ordinary user.');
  const [command, args] = wrapped
    ? ['setpriv', [...identity, `--pdeathsig=${options.deathSignal}`, options.command, ...options.args]] as const
    : [options.command, options.args] as const;
  // A process group of its own: Ctrl-C at the terminal is for the supervisor, which drains the servers in order.
  const child = spawn(command, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  exited.catch(() => undefined); // reported by whoever waits; an unobserved one must not end the process
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => { log?.write(text); options.onStderr?.(text); });
  }
  return { child, exited };
};

/** Sends `signal`, then SIGKILL after `graceMs`; resolves once the process is gone. */
export const stopServer = async (server: SpawnedServer, signal: NodeJS.Signals, graceMs = 20_000): Promise<void> => {
  if (server.child.exitCode !== null || server.child.signalCode !== null) return;
  server.child.kill(signal);
  const force = setTimeout(() => server.child.kill('SIGKILL'), graceMs);
  await server.exited.finally(() => clearTimeout(force));
};
