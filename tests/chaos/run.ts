import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { digestOf, recordHistory, runCycle, runLoad } from './cycle.ts';
import { planOf, type FaultName } from './plan.ts';
import { blindSpots, PLANTED } from './planted.ts';
import { readLogs, standingsOf } from './platform-view.ts';
import type { CycleResult } from './results.ts';
import { Rig } from './rig.ts';
import { root } from '../e2e/platform.ts';

/** A home's logs are read whole again when it is given up; more cycles would make it slow, fewer would start platforms all day. */
const CYCLES_PER_HOME = 10;
const PROOF_EVENTS = 400;

export interface RunOptions {
  readonly seed: string;
  readonly first: number;
  readonly last: number;
  readonly faults: readonly FaultName[];
  readonly leastEvents?: number;
  /** Volumes of their own for the event database and JetStream: what power cuts and full disks need. */
  readonly volumes: boolean;
  readonly say: (line: string) => void;
  readonly keep: (result: CycleResult) => Promise<void>;
  readonly aborted?: () => boolean;
  /** What the results are kept under; the checked-out commit when absent. */
  readonly commit?: string;
}

export const commitNow = async (): Promise<string> => {
  const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: root });
  return stdout.trim();
};

/** A checker that finds nothing may be blind: before it judges, it must find each thing planted in a history of this very platform. */
const proveChecker = async (rig: Rig, seed: string, first: number, say: RunOptions['say']): Promise<void> => {
  const plan = { ...planOf(`${seed}p`, first, ['kill'], PROOF_EVENTS), events: PROOF_EVENTS, faults: [] };
  const run = await runLoad(rig, plan);
  const blind = blindSpots(await recordHistory(rig, plan.tenant, run));
  if (blind.length > 0) throw new Error(`the checker can't be trusted: ${blind.slice(0, 5).join('; ')}`);
  say(`the checker found all that was planted in a copied history: ${PLANTED.join(', ')}`);
};

/** Logs of earlier cycles that are no longer what they were. */
const changedSince = async (rig: Rig, digests: ReadonlyMap<string, string>): Promise<string[]> => {
  const changed: string[] = [];
  for (const [tenant, digest] of digests) {
    const logs = await readLogs(rig, tenant, (await standingsOf(rig, tenant)).map(({ log }) => log));
    if (digestOf(logs) !== digest) changed.push(tenant);
  }
  return changed;
};

const lineOf = ({ cycle, faults, acknowledged, unanswered, retriedEvents, seconds, violations, landed }: CycleResult): string => {
  const verdict = Object.entries(violations).map(([rule, { times, first }]) => `BROKEN ${rule} x${times}: ${first}`).join(' | ') || 'holds';
  return `cycle ${cycle}: ${faults.map(({ name, victim, inFlight }) => `${name}${victim === undefined ? '' : ` ${victim}`} (${inFlight} in flight)`).join(' + ')}; ${acknowledged} acknowledged, ${unanswered} requests unanswered, ${retriedEvents} events sent again, ${seconds} s${landed ? '' : ', did not land'}: ${verdict}`;
};

/** Cycle after cycle; a new home after some, and after one that broke something, whose home stays for whoever looks into it. Answers how many broke. */
export const runCycles = async (options: RunOptions): Promise<number> => {
  const { seed, first, last, say } = options;
  const commit = options.commit ?? await commitNow();
  const begun = performance.now();
  let broken = 0;
  let proven = false;
  for (let cycle = first; cycle <= last && options.aborted?.() !== true;) {
    const rig = await Rig.open({ volumes: options.volumes });
    const digests = new Map<string, string>();
    let sound = true;
    try {
      if (!proven) await proveChecker(rig, seed, first, say);
      proven = true;
      for (let here = 0; here < CYCLES_PER_HOME && cycle <= last && sound && options.aborted?.() !== true; here += 1, cycle += 1) {
        if (!rig.usualClock) await rig.restart({});
        await rig.ready();
        const { result, history } = await runCycle(rig, planOf(seed, cycle, options.faults, options.leastEvents), commit);
        await options.keep(result);
        sound = Object.keys(result.violations).length === 0;
        if (history !== undefined) digests.set(history.tenant, digestOf(history.logs));
        const leftMs = ((performance.now() - begun) / (cycle - first + 1)) * (last - cycle);
        say(`${lineOf(result)}; about ${Math.ceil(leftMs / 60_000)} min left`);
      }
      const changed = sound ? await changedSince(rig, digests) : [];
      if (changed.length > 0) throw new Error(`logs of earlier cycles have changed: ${changed.join(', ')} (home ${rig.home})`);
    } catch (error) {
      await rig.abandon();
      throw error;
    }
    if (sound) await rig.close();
    else {
      broken += 1;
      await rig.abandon();
      say(`the home of the broken cycle stays at ${rig.home}`);
    }
  }
  return broken;
};
