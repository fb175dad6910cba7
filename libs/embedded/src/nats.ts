import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnServer, stopServer } from './child-process.ts';

export interface NatsOptions {
  readonly binary: string;
  /** Folder for the ports file and, unless the config names another, JetStream's files. */
  readonly runDir: string;
  /** A server config; without it an open server with JetStream on a free port, for tests: with any number of streams, however small the disk. */
  readonly configFile?: string;
  readonly logFile?: string;
}

export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  readonly exited: Promise<number | string>;
  stop(): Promise<void>;
  /** kill -9, for drills. */
  kill(): Promise<void>;
}

const readPorts = async (runDir: string): Promise<string | undefined> => {
  const file = (await readdir(runDir)).find((name) => name.endsWith('.ports'));
  if (file === undefined) return undefined;
  try {
    return (JSON.parse(await readFile(join(runDir, file), 'utf8')) as { nats: string[] }).nats[0];
  } catch {
    return undefined; // half written: asked for again
  }
};

/**
 * JetStream refuses a stream for which it can't reserve `max_bytes`, and by itself it takes three quarters of the free disk for all it may reserve:
 * how many streams fit would depend on the machine.
 */
const UNBOUNDED_FILE_STORE = 2 ** 50;

const openConfig = async (runDir: string): Promise<string> => {
  const file = join(runDir, 'open.conf');
  await writeFile(file, `listen: "127.0.0.1:-1"\njetstream { store_dir: ${JSON.stringify(join(runDir, 'jetstream'))}, max_file_store: ${UNBOUNDED_FILE_STORE} }\n`);
  return file;
};

/** Starts nats-server and waits until it has written its ports file. Throws with the server's last words when it ends before. */
export const startNatsServer = async (options: NatsOptions): Promise<NatsServer> => {
  await mkdir(options.runDir, { recursive: true });
  for (const name of await readdir(options.runDir)) if (name.endsWith('.ports')) await rm(join(options.runDir, name));
  const configFile = options.configFile ?? await openConfig(options.runDir);
  let last = '';
  const server = await spawnServer({ command: options.binary, args: ['-c', configFile, '--ports_file_dir', options.runDir], deathSignal: 'TERM', logFile: options.logFile, onStderr: (text) => { last = (last + text).slice(-4096); } });
  let ended: number | string | undefined;
  server.exited.then((code) => { ended = code; }, (error: Error) => { ended = error.message; });
  const deadline = Date.now() + 30_000;
  let url: string | undefined;
  while ((url = await readPorts(options.runDir)) === undefined) {
    if (ended !== undefined || Date.now() > deadline) throw new Error(`nats-server did not start (${ended ?? 'no ports file after 30 s'}): ${last.trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  return {
    url, pid: server.child.pid!, exited: server.exited,
    stop: () => stopServer(server, 'SIGTERM'),
    kill: () => stopServer(server, 'SIGKILL'),
  };
};
