import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BARS, figureAt, isReached, type Bar } from './bars.ts';
import type { BenchDocument } from './bench-result.ts';
import { rateChart, ratioChart } from './charts.ts';

const DOCS = resolve(import.meta.dirname, '../../docs');
export const KEPT = join(DOCS, 'benchmarks');

const readKept = async (): Promise<BenchDocument[]> => {
  const names = (await readdir(KEPT)).filter((name) => name.endsWith('.json')).toSorted();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(KEPT, name), 'utf8')) as BenchDocument));
};

/** Hand-written words about a benchmark: docs/benchmarks/<name>.md. */
const words = (name: string): Promise<string> => readFile(join(KEPT, `${name}.md`), 'utf8').then((text) => text.trim(), (error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return '';
  throw error;
});

const barText = ({ atLeast, below, unit }: Bar): string => `${atLeast === undefined ? `< ${below}` : `>= ${atLeast}`}${unit === undefined ? '' : ` ${unit}`}`;

/** One line per bar: what was promised, what was measured, and between what. */
const barRow = (bar: Bar, documents: readonly BenchDocument[]): string => {
  const document = documents.find((one) => one.name === bar.bench);
  const figure = document === undefined ? undefined : figureAt(document, bar.at);
  const spread = document?.spread[bar.at.replace('ratios.', '')];
  const measured = figure === undefined ? 'not measured' : `${figure}${bar.unit === undefined ? '' : ` ${bar.unit}`}`;
  const reached = figure === undefined ? '–' : `${isReached(bar, figure) ? 'yes' : '**no**'}${document?.quick === true ? ' (quick run)' : ''}`;
  return `| ${bar.bench} | ${bar.measure} | ${barText(bar)} | ${measured} | ${spread === undefined ? '' : `${spread.min} – ${spread.max}`} | ${reached} |`;
};

const ratioRows = (document: BenchDocument): string[] => Object.entries(document.ratios).map(([name, value]) => {
  const spread = document.spread[name];
  return `| ${name} | ${value} | ${spread === undefined ? '' : `${spread.min} – ${spread.max}`} |`;
});

const section = async (document: BenchDocument): Promise<string> => {
  const { name, machine, commit, measuredAt, quick, rounds, settings } = document;
  const bars = BARS.filter((bar) => bar.bench === name && bar.atLeast !== undefined && figureAt(document, bar.at) !== undefined);
  const charts: [string, string][] = [...(bars.length > 0 ? [['ratios', ratioChart(document, bars)] satisfies [string, string]] : []), ...(rounds.length > 0 ? [['rates', rateChart(document)] satisfies [string, string]] : [])];
  for (const [kind, svg] of charts) await writeFile(join(KEPT, `${name}-${kind}.svg`), `${svg}\n`);
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(0);
  return [
    `## ${name}`,
    await words(name),
    ['| ratio | median | smallest – largest round |', '|---|---|---|', ...ratioRows(document)].join('\n'),
    ...charts.map(([kind]) => `![${name}, ${kind}](benchmarks/${name}-${kind}.svg)`),
    `\`npm run bench -- ${name}${quick ? ' --quick' : ''} --keep\`, ${rounds.length} rounds, commit ${commit}, ${measuredAt.slice(0, 10)}. Machine: ${machine.cpus} × ${machine.model}, ${gigabytes} GiB, Node ${machine.node.slice(1)}, load before ${machine.loadBefore}. Settings: ${Object.entries(settings).map(([key, value]) => `${key} ${value}`).join(', ')}. Figures: [${name}.json](benchmarks/${name}.json).`,
  ].filter((part) => part !== '').join('\n\n');
};

/** docs/benchmarks.md with its charts, from the results kept in docs/benchmarks and the words beside them. */
export const writeReport = async (): Promise<string> => {
  const documents = await readKept();
  const parts = [
    '# Benchmarks',
    '<!-- Written by `npm run bench -- report` from docs/benchmarks/*.json and the words in docs/benchmarks/*.md: edit those. -->',
    await words('introduction'),
    '## The bars',
    ['| benchmark | measure | bar | measured | smallest – largest round | reached |', '|---|---|---|---|---|---|', ...BARS.map((bar) => barRow(bar, documents))].join('\n'),
    ...await Promise.all(documents.map(section)),
  ];
  const file = join(DOCS, 'benchmarks.md');
  await writeFile(file, `${parts.join('\n\n')}\n`);
  return file;
};
