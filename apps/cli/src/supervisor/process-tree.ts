import { readFileSync, readdirSync } from 'node:fs';

const PAGE_BYTES = 4096;

/** Parent of each process now alive. */
export const parentsNow = (): Map<number, number> => {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProc(`/proc/${name}/stat`);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  return parents;
};

/** `root` and everything started below it, except what stands in `without` and below. */
export const treeOf = (root: number, parents: ReadonlyMap<number, number>, without: ReadonlySet<number> = new Set()): number[] => {
  const children = new Map<number, number[]>();
  for (const [pid, parent] of parents) children.set(parent, [...children.get(parent) ?? [], pid]);
  const found: number[] = [];
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    found.push(pid);
    queue.push(...(children.get(pid) ?? []).filter((child) => !without.has(child)));
  }
  return found;
};

/** Proportional set size out of smaps_rollup, in bytes: memory shared by n processes counts 1/n in each, so sums are honest. */
export const pssIn = (rollup: string): number | undefined => {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
};

const readProc = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
};

/** Where PSS may not be read (another user's process) the resident size stands in: too high, never too low. */
const memoryOf = (pid: number): number => {
  const rollup = readProc(`/proc/${pid}/smaps_rollup`);
  const pss = rollup === undefined ? undefined : pssIn(rollup);
  return pss ?? Number(readProc(`/proc/${pid}/statm`)?.split(' ')[1] ?? 0) * PAGE_BYTES;
};

export const pssBytesOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + memoryOf(pid), 0);
