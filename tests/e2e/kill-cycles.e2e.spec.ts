import { afterAll, expect, it } from '@jest/globals';
import { counts, summaryOf, type CycleResult } from '../chaos/results.ts';
import { runCycles } from '../chaos/run.ts';

/** Of this seed's five cycles the kills fall on all of these, twice on two at once. */
const SEED = 'npm2815';
const VICTIMS = ['analytics', 'backbone', 'ingestion', 'nats', 'postgres-events', 'supervisor', 'warehouse'];

const results: CycleResult[] = [];
const lines: string[] = [];
let over = false;
let run: Promise<number> = Promise.resolve(0);
afterAll(async () => {
  // A run that took too long ends after the cycle it is in, and takes its processes with it.
  over = true;
  await run.catch(() => undefined);
}, 600_000);

const broken = (result: CycleResult): boolean => Object.keys(result.violations).length > 0;

it('keeps every promise in five kill -9 cycles on one home, each in the middle of at least 5,000 acknowledged events', async () => {
  run = runCycles({
    seed: SEED, first: 1, last: 5, faults: ['kill'], volumes: false, commit: 'tested',
    say: (line) => { lines.push(line); },
    keep: (result) => Promise.resolve(void results.push(result)),
    aborted: () => over || results.some(broken),
  });
  const homesLeft = await run;
  expect(results.filter(broken).map(({ cycle, violations }) => ({ cycle, violations }))).toEqual([]);
  expect(homesLeft).toBe(0);
  // The checker first found what was planted in a copied history of this very platform.
  expect(lines[0]).toMatch(/found all that was planted.*loss.*gap.*duplicate.*reordering/);
  expect(results.map((result) => [result.cycle, counts(result)])).toEqual([1, 2, 3, 4, 5].map((cycle) => [cycle, true]));
  expect(new Set(results.flatMap(({ faults }) => faults.map(({ victim }) => victim)))).toEqual(new Set(VICTIMS));
  const summary = summaryOf(results);
  expect(summary).toMatchObject({ killCycles: 5, lost: 0, doubled: 0, brokenCycles: 0 });
  expect(summary.acknowledged).toBeGreaterThanOrEqual(25_000);
  // Killed under requests: some of them had to be sent again.
  expect(summary.retriedEvents).toBeGreaterThan(0);
  for (const { stored, acknowledged } of results) expect(stored).toBeGreaterThanOrEqual(acknowledged);
}, 1_800_000);
