import { linkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { DomainError } from '@millrace/kernel';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { parseIfWhole, readIfThere } from './private-file.ts';
import type { Home } from './home.ts';

interface LockHolder extends ProcessIdentity {
  /** A copied data folder brings its lock along: it holds the original only. */
  readonly home: string;
}

export interface Lock {
  release(): void;
}

const lockFile = (home: Home): string => home.path('run', 'lock.json');

/** The live supervisor of this data folder, if there is one. */
export const lockHolder = (home: Home): ProcessIdentity | undefined => {
  const holder = parseIfWhole<LockHolder>(readIfThere(lockFile(home)));
  if (holder === undefined) return undefined;
  return holder.home === realpathSync(home.root) && isAlive(holder) ? holder : undefined;
};

const tryLink = (from: string, to: string): boolean => {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

/** One supervisor per data folder. Throws `already-running`; a lock whose holder is gone is taken over. */
export const acquireLock = (home: Home): Lock => {
  const file = lockFile(home);
  const mine = identityOf(process.pid) ?? { pid: process.pid, startedTicks: '', boot: '' };
  const scratch = `${file}.${process.pid}`;
  writeFileSync(scratch, JSON.stringify({ ...mine, home: realpathSync(home.root) } satisfies LockHolder), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (tryLink(scratch, file)) return { release: () => rmSync(file, { force: true }) };
      const holder = lockHolder(home);
      if (holder !== undefined) throw alreadyRunning(home, holder.pid);
      rmSync(file, { force: true });
    }
    throw alreadyRunning(home, 0);
  } finally {
    rmSync(scratch, { force: true });
  }
};

const alreadyRunning = (home: Home, pid: number): DomainError => new DomainError('conflict', 'already-running', { pid },
  `already running from ${home.root} (process ${pid}): \`npx millrace status\` shows it, \`npx millrace stop\` ends it`);
