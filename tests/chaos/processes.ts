import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Sends a signal; a process that has ended meanwhile is no error. False when it had. */
export const signal = (pid: number, name: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
};

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined; // ended meanwhile
  }
};

/** A zombie holds no file and no port: it is gone but for its parent's question. */
export const isRunning = (pid: number): boolean => {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat !== undefined && !/\) [ZX] /.test(stat);
};

/** Every process that works in a folder: a Postgres server and all of its sessions work in their data folder. */
export const workingIn = (folder: string): number[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => attempt(() => readlinkSync(`/proc/${pid}/cwd`)) === folder);

export const environmentOf = (pid: number): Record<string, string> =>
  Object.fromEntries(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter((entry) => entry.includes('=')).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));

export const commandOf = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter((part) => part !== '');

/** Waits for a condition; throws with what it waited for. */
export const hold = async (what: string, holds: () => boolean, deadlineMs = 30_000): Promise<void> => {
  const until = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > until) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`);
    await pause(5);
  }
};

/** kill -9 of all of them; resolves once none runs. */
export const killAll = async (pids: readonly number[]): Promise<void> => {
  for (const pid of pids) signal(pid, 'SIGKILL');
  await hold(`${pids.length} killed processes to be gone`, () => !pids.some(isRunning));
};
