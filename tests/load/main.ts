import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchProgress } from './bench-progress.ts';
import type { Bench, BenchDocument } from './bench-result.ts';
import { KEPT, writeReport } from './report.ts';

/** Loaded when asked for: one benchmark's imports are no other's cost. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  append: async () => (await import('./append.bench.ts')).benchAppend,
  intake: async () => (await import('./intake.bench.ts')).benchIntake,
  rebuild: async () => (await import('./rebuild.bench.ts')).benchRebuild,
  read: async () => (await import('./read.bench.ts')).benchRead,
  import: async () => (await import('./import.bench.ts')).benchImport,
  relay: async () => (await import('./relay.bench.ts')).benchRelay,
  growth: async () => (await import('./growth.bench.ts')).benchGrowth,
  proof: async () => (await import('./proof.bench.ts')).benchProof,
};

/** The way of an event into the store, and of a file: what is measured when nothing is named. */
const USUAL = ['append', 'intake', 'import'];
const FLAGS = ['--quick', '--keep', '--json'];
const usage = `npm run bench -- [${Object.keys(BENCHES).join('|')}]… [${FLAGS.join('] [')}], or npm run bench -- report`;

const commitOf = (): string => {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no', '--', ':(top,exclude)docs') === '' ? '' : ' with changes');
};

const measure = async (name: string, quick: boolean): Promise<BenchDocument> => {
  const bench = await BENCHES[name]!();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', memoryBytes: totalmem(), node: process.version, loadBefore: Number(loadavg()[0]!.toFixed(1)) };
  const { progress, stop } = benchProgress(name);
  const { ratios, spread, ...details } = await bench({ quick, progress }).finally(stop);
  return { name, ratios, spread, quick, commit: commitOf(), machine, ...details, measuredAt: new Date().toISOString() };
};

/** As people read it; `--json` prints, and `--keep` keeps, the whole. */
const told = ({ name, quick, ratios, spread, rounds, headlines = [] }: BenchDocument): string => [
  `${name}${quick ? ' (quick)' : ''}, ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}`,
  ...headlines.map((line) => `  ${line}`),
  ...Object.entries(ratios).map(([ratio, value]) => `  ${ratio.padEnd(18)} ${value}  (${spread[ratio]?.min} to ${spread[ratio]?.max})`),
].join('\n');

const main = async (args: readonly string[]): Promise<void> => {
  const named = args.filter((arg) => !arg.startsWith('--'));
  const unknown = [...named.filter((name) => name !== 'report' && !Object.hasOwn(BENCHES, name)), ...args.filter((arg) => arg.startsWith('--') && !FLAGS.includes(arg))];
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; usage: ${usage}`);
  const names = named.length === 0 ? USUAL : named;
  for (const name of names.filter((one) => one !== 'report')) {
    const document = await measure(name, args.includes('--quick'));
    const text = `${JSON.stringify(document, null, 2)}\n`;
    process.stdout.write(args.includes('--json') ? text : `${told(document)}\n`);
    if (!args.includes('--keep')) continue;
    await mkdir(KEPT, { recursive: true });
    await writeFile(join(KEPT, `${name}.json`), text);
  }
  if (names.includes('report')) process.stdout.write(`${await writeReport()}\n`);
};

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
