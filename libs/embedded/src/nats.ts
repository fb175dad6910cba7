import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnServer, stopServer } from './child-process.ts';

export interface NatsOptions {
  readonly binary: string;
  /** Folder for the ports file and, unless the config names another, JetStream's files. */
  readonly runDir: string;
  /** A server config; without it an open server with JetStream on a free port, for tests. */
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

/** Starts nats-server and waits until it has written its ports file. Throws with the server's last words when it ends before. */
export const startNatsServer = async (options: NatsOptions): Promise<NatsServer> => {
  await mkdir(options.runDir, { recursive: true });
  for (const name of await readdir(options.runDir)) if (name.endsWith('.ports')) await rm(join(options.runDir, name));
  const args = options.configFile === undefined
    ? ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', join(options.runDir, 'jetstream')]
    : ['-c', options.configFile];
  let last = '';
  const server = await spawnServer({ command: options.binary, args: [...args, '--ports_file_dir', options.runDir], deathSignal: 'TERM', logFile: options.logFile, onStderr: (text) => { last = (last + text).slice(-4096); } });
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
