import { parseArgs } from 'node:util';
import { missingForVolumes } from './loop-volume.ts';
import { DISK_FAULTS, FAULTS, parseSeed, PLAIN_FAULTS, POWER_CUTS, type FaultName } from './plan.ts';
import { keepResult, nextCycle, readResults, summaryOf } from './results.ts';
import { runCycles } from './run.ts';

const USAGE = `npm run chaos -- --cycles N --seed S [--power-cut] [--faults a,b]   run the cycles of a seed that have not been run yet, up to N
npm run chaos -- --summary                                          add up all results
faults: ${FAULTS.join(', ')}`;

const parseFaults = (text: string | undefined, powerCut: boolean): readonly FaultName[] => {
  if (text === undefined) return powerCut ? [...POWER_CUTS, 'kill'] : PLAIN_FAULTS;
  return text.split(',').map((name) => {
    const known = FAULTS.find((fault) => fault === name);
    if (known === undefined) throw new Error(`there is no fault "${name.slice(0, 40)}"; there are ${FAULTS.join(', ')}`);
    return known;
  });
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { cycles: { type: 'string' }, seed: { type: 'string' }, 'power-cut': { type: 'boolean', default: false }, faults: { type: 'string' }, summary: { type: 'boolean', default: false } } });
  const say = (line: string): void => { process.stdout.write(`${line}\n`); };
  if (values.summary) {
    say(JSON.stringify(summaryOf(await readResults()), null, 2));
    return 0;
  }
  if (values.cycles === undefined || !/^[1-9]\d{0,4}$/.test(values.cycles) || values.seed === undefined) throw new Error(USAGE);
  const seed = parseSeed(values.seed);
  const faults = parseFaults(values.faults, values['power-cut']);
  const volumes = faults.some((fault) => (DISK_FAULTS as readonly string[]).includes(fault));
  const missing = volumes ? missingForVolumes() : [];
  if (missing.length > 0) throw new Error(`${faults.filter((fault) => (DISK_FAULTS as readonly string[]).includes(fault)).join(', ')} can't be run here; missing: ${missing.join('; ')}`);
  const first = nextCycle(await readResults(), seed);
  const last = Number(values.cycles);
  if (first > last) {
    say(`all ${last} cycles of seed ${seed} have been run; --summary adds them up`);
    return 0;
  }
  let aborted = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => { aborted = true; say('ending after this cycle'); });
  say(`seed ${seed}: cycles ${first} to ${last} with ${faults.join(', ')}`);
  const broken = await runCycles({ seed, first, last, faults, volumes, say, keep: (result) => keepResult(result), aborted: () => aborted });
  return broken === 0 ? 0 : 1;
};

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
