import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { tamperRun, type TamperResult } from './tamper-run.ts';

const number = (name: string, text: string, max: number): number => {
  if (/^\d{1,10}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
  throw new Error(`--${name} wants a whole number from 1 to ${max}; got "${text.slice(0, 20)}"`);
};

const tally = (results: readonly TamperResult[], key: (result: TamperResult) => string): Map<string, { found: number; total: number }> => {
  const counts = new Map<string, { found: number; total: number }>();
  for (const result of results) {
    const count = counts.get(key(result)) ?? { found: 0, total: 0 };
    counts.set(key(result), { found: count.found + (result.found ? 1 : 0), total: count.total + 1 });
  }
  return counts;
};
const lines = (title: string, counts: Map<string, { found: number; total: number }>): string =>
  `${title}\n${[...counts].map(([name, { found, total }]) => `  ${name.padEnd(16)} ${found}/${total}`).join('\n')}`;

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { alterations: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } } });
  const [count, seed] = [number('alterations', values.alterations, 100_000), number('seed', values.seed, 2 ** 32 - 1)];
  const bar = new SingleBar({ stream: process.stderr, format: 'tampering [{bar}] {value}/{total} | {eta_formatted} left', noTTYOutput: true, notTTYSchedule: 10_000, barsize: 24 });
  bar.start(count, 0);
  const results = await tamperRun(count, seed, (done) => bar.update(done)).finally(() => bar.stop());
  const missed = results.filter(({ found }) => !found);
  const found = results.length - missed.length;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ seed, alterations: results.length, found, forged: results.filter(({ alteration }) => alteration.forged).length, missed: missed.map(({ alteration, said }) => ({ ...alteration, said })) })}\n`);
  } else {
    for (const { alteration: { kind, column, forged, log, position }, said } of missed) process.stdout.write(`MISSED ${kind} ${column}${forged ? ', forged' : ''} at ${log.tenant} ${log.context}/${log.shard} ${position}; said: ${said.join('; ') || 'nothing'}\n`);
    process.stdout.write(`${[lines('by kind', tally(results, ({ alteration }) => alteration.kind)), lines('by column', tally(results, ({ alteration }) => alteration.column)), lines('by forger', tally(results, ({ alteration }) => (alteration.forged ? 'recomputes all' : 'alters only')))].join('\n')}\n`);
    process.stdout.write(`found ${found} of ${results.length} alterations, each by its position (seed ${seed})\n`);
  }
  if (missed.length > 0) process.exitCode = 1;
};

await main().catch((error: unknown) => {
  process.stderr.write(`tamper: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
