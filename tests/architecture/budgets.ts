import type { SourceFile } from './source-tree.ts';

/** What STYLE section 9 allows. Lines are counted as they stand, blank ones and comments included. */
export const BUDGETS = { medianLines: 80, p95Lines: 350, maxLines: 500, anyPerThousandLines: 1, testPerSource: 1, readmeLines: 150, appReadmeLines: 40 } as const;

export interface Measures {
  readonly medianLines: number;
  readonly p95Lines: number;
  readonly maxLines: number;
  readonly anyPerThousandLines: number;
  readonly testPerSource: number;
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

export const measure = (files: readonly SourceFile[]): Measures => {
  const source = files.filter((file) => !file.isSpec);
  const lines = files.map((file) => file.lines).sort((a, b) => a - b);
  const anys = sum(files.map((file) => file.text.match(/:\s*any\b|\bas any\b|<any>|as unknown as/g)?.length ?? 0));
  const sourceLines = sum(source.map((file) => file.lines));
  return {
    medianLines: quantile(lines, 0.5), p95Lines: quantile(lines, 0.95), maxLines: lines.at(-1) ?? 0,
    anyPerThousandLines: (1000 * anys) / Math.max(1, sum(lines)),
    testPerSource: (sum(lines) - sourceLines) / Math.max(1, sourceLines),
  };
};

/** One sentence per budget that is broken. */
export const overBudget = (measures: Measures): string[] => [
  ...(['medianLines', 'p95Lines', 'maxLines', 'anyPerThousandLines'] as const).filter((name) => measures[name] > BUDGETS[name]).map((name) => `${name} is ${measures[name]}, at most ${BUDGETS[name]}`),
  ...(measures.testPerSource < BUDGETS.testPerSource ? [`testPerSource is ${measures.testPerSource.toFixed(2)}, at least ${BUDGETS.testPerSource}`] : []),
];
