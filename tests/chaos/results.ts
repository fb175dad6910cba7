import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LEAST_EVENTS } from './plan.ts';

/** What is kept of one fault of a cycle. */
export interface StruckFault {
  readonly name: string;
  readonly victim?: string;
  readonly afterAcknowledged: number;
  /** Requests with appends under way at the moment it struck. */
  readonly inFlight: number;
  readonly detail: string;
}

/** One line of docs/chaos/*.jsonl. */
export interface CycleResult {
  readonly commit: string;
  readonly at: string;
  readonly seed: string;
  readonly cycle: number;
  readonly faults: readonly StruckFault[];
  readonly acknowledged: number;
  /** Requests that were never answered; all were sent again. */
  readonly unanswered: number;
  readonly retriedEvents: number;
  readonly refusedByEpoch: number;
  readonly stored: number;
  /** Every fault struck while appends were in flight. */
  readonly landed: boolean;
  /** Acknowledged events that were in no log, or twice. */
  readonly lost: number;
  readonly doubled: number;
  /** Rules that were broken, each with how often and the first case; empty when the cycle holds. */
  readonly violations: Readonly<Record<string, { readonly times: number; readonly first: string }>>;
  readonly seconds: number;
}

export const RESULTS = resolve(import.meta.dirname, '../../docs/chaos');

export const keepResult = async (result: CycleResult, folder = RESULTS): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await appendFile(join(folder, `${result.seed}.jsonl`), `${JSON.stringify(result)}\n`);
};

export const readResults = async (folder = RESULTS): Promise<CycleResult[]> => {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as CycleResult));
};

/** The first cycle of a seed that no line tells of yet: a run goes on where an earlier one stopped. */
export const nextCycle = (results: readonly CycleResult[], seed: string): number =>
  1 + results.filter((result) => result.seed === seed).reduce((most, { cycle }) => Math.max(most, cycle), 0);

/** A cycle proves something only with enough acknowledged and its faults in the middle of it. */
export const counts = ({ acknowledged, landed }: CycleResult): boolean => acknowledged >= LEAST_EVENTS && landed;

export interface Summary {
  readonly cycles: number;
  readonly counted: number;
  readonly killCycles: number;
  readonly powerCuts: number;
  readonly pairs: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly retriedEvents: number;
  readonly lost: number;
  readonly doubled: number;
  readonly brokenCycles: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly commits: readonly string[];
}

const sum = (results: readonly CycleResult[], of: (result: CycleResult) => number): number => results.reduce((total, result) => total + of(result), 0);
const isKill = ({ faults }: CycleResult): boolean => faults.some(({ name }) => name === 'kill' || name === 'kill-witness');
const isPowerCut = ({ faults }: CycleResult): boolean => faults.some(({ name }) => name.startsWith('power-cut'));

/** Adds up all lines. Kill cycles and power cuts are of those that count; losses and violations are of all. */
export const summaryOf = (results: readonly CycleResult[]): Summary => {
  const counted = results.filter(counts);
  const faults: Record<string, number> = {};
  for (const { name, victim } of counted.flatMap((result) => result.faults)) {
    const key = victim === undefined ? name : `${name} ${victim}`;
    faults[key] = (faults[key] ?? 0) + 1;
  }
  return {
    cycles: results.length, counted: counted.length, killCycles: counted.filter(isKill).length, powerCuts: counted.filter(isPowerCut).length, pairs: counted.filter((result) => result.faults.length > 1).length,
    acknowledged: sum(results, (result) => result.acknowledged), unanswered: sum(results, (result) => result.unanswered), retriedEvents: sum(results, (result) => result.retriedEvents),
    lost: sum(results, (result) => result.lost), doubled: sum(results, (result) => result.doubled), brokenCycles: results.filter(({ violations }) => Object.keys(violations).length > 0).length,
    faults: Object.fromEntries(Object.entries(faults).toSorted(([a], [b]) => a.localeCompare(b))), commits: [...new Set(results.map(({ commit }) => commit))],
  };
};
