import { readFileSync } from 'node:fs';

/** A process id is used again sooner or later; with its start time (clock ticks since boot) and the boot it names one process for ever. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedTicks: string;
  readonly boot: string;
}

const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // no procfs: identities then rest on the pid alone
  }
};

/** Field 22 of /proc/<pid>/stat; the second field may hold spaces and parentheses, so counting starts after its end. */
export const startedTicksIn = (stat: string): string => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';

export const identityOf = (pid: number): ProcessIdentity | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    if (stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z') return undefined; // a zombie runs nothing any more
    return { pid, startedTicks: startedTicksIn(stat), boot: bootId() };
  } catch {
    return undefined;
  }
};

export const isAlive = (known: ProcessIdentity): boolean => {
  const now = identityOf(known.pid);
  return now !== undefined && now.startedTicks === known.startedTicks && now.boot === known.boot;
};
