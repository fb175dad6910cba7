import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

/** What a benchmark gives back: ratios first, then what they were made from. */
export interface BenchResult {
  readonly ratios: Readonly<Record<string, number>>;
  readonly [detail: string]: unknown;
}

type Bench = (options: { quick: boolean }) => Promise<BenchResult>;

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  append: async () => (await import('./append.bench.ts')).benchAppend,
  intake: async () => (await import('./intake.bench.ts')).benchIntake,
  import: async () => (await import('./import.bench.ts')).benchImport,
};

const kept = resolve(import.meta.dirname, '../../docs/benchmarks');

/** `npm run bench -- [append|intake|import …] [--quick] [--keep]`: `--keep` writes docs/benchmarks/<name>.json. */
const main = async (args: readonly string[]): Promise<void> => {
  const quick = args.includes('--quick');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) throw new Error(`unknown benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    const bench = await BENCHES[name]!();
    const { ratios, ...details } = await bench({ quick });
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version };
    const document = { name, quick, ratios, ...details, machine, measuredAt: new Date().toISOString() };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    if (!args.includes('--keep')) continue;
    await mkdir(kept, { recursive: true });
    await writeFile(join(kept, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
  }
};

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
