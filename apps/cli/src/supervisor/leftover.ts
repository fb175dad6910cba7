import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Home } from '../home/home.ts';
import { parseIfWhole, readIfThere, writePrivate } from '../home/private-file.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../home/process-identity.ts';

const recordFile = (home: Home): string => home.path('run', 'processes.json');

/** Notes which processes run now, so that a start after a hard death of the supervisor can end those that outlived it. */
export const recordProcesses = (home: Home, pids: readonly number[]): void => {
  const known = pids.map(identityOf).filter((identity) => identity !== undefined);
  writePrivate(recordFile(home), JSON.stringify(known));
};

export const forgetProcesses = (home: Home): void => rmSync(recordFile(home), { force: true });

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const goneWithin = async (alive: () => boolean, ms: number): Promise<boolean> => {
  const deadline = Date.now() + ms;
  while (alive()) {
    if (Date.now() > deadline) return false;
    await pause(50);
  }
  return true;
};

/** Ends what a supervisor that died hard has left running. Answers how many there were. Call it with the lock held. */
export const endLeftovers = async (home: Home): Promise<number> => {
  const left = (parseIfWhole<ProcessIdentity[]>(readIfThere(recordFile(home))) ?? []).filter(isAlive);
  for (const identity of left) send(identity.pid, 'SIGTERM');
  if (!await goneWithin(() => left.some(isAlive), 5000)) {
    for (const identity of left.filter(isAlive)) send(identity.pid, 'SIGKILL');
    await goneWithin(() => left.some(isAlive), 5000);
  }
  forgetProcesses(home);
  return left.length;
};

const workingIn = (folder: string): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false; // ended meanwhile, or another user's
  }
});

/**
 * Makes a Postgres data folder startable after a crash or a move. Every Postgres process works in its data folder: while one does,
 * it is asked to end; when none does, a left-over postmaster.pid is stale, however its process id is in use again by now.
 */
export const freeDataFolder = async (dataDir: string): Promise<void> => {
  for (const [signal, patienceMs] of [['SIGQUIT', 5000], ['SIGKILL', 5000]] as const) {
    if (await goneWithin(() => workingIn(dataDir).length > 0, 200)) break;
    for (const pid of workingIn(dataDir)) send(pid, signal);
    await goneWithin(() => workingIn(dataDir).length > 0, patienceMs);
  }
  if (workingIn(dataDir).length === 0) rmSync(`${dataDir}/postmaster.pid`, { force: true });
};
