import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUDGETS, measure, overBudget } from './budgets.ts';
import { readTree, type SourceFile } from './source-tree.ts';

const root = resolve(import.meta.dirname, '../..');
const fake = (path: string, lines: number, isSpec: boolean, text = ''): SourceFile => ({ path, text, lines, isSpec, project: 'libs/x', imports: [] });

it('holds over the workspace', () => {
  const measures = measure(readTree(root));
  process.stderr.write(`budgets: ${JSON.stringify(measures)}\n`);
  expect(overBudget(measures)).toEqual([]);
});

it('keeps each README short enough to be read', () => {
  const length = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length - 1;
  expect(length('README.md')).toBeLessThanOrEqual(BUDGETS.readmeLines);
  const apps = globSync('apps/*/package.json', { cwd: root }).map((file) => file.replace('package.json', 'README.md'));
  expect(apps.filter((file) => length(file) > BUDGETS.appReadmeLines)).toEqual([]);
});

describe('each budget can be broken', () => {
  it.each([
    ['medianLines', [fake('a.ts', 90, false), fake('b.ts', 90, false), fake('a.spec.ts', 200, true)]],
    ['maxLines', [fake('a.ts', 501, false), fake('a.spec.ts', 1, true), fake('b.spec.ts', 1, true), fake('c.spec.ts', 1, true)]],
    ['anyPerThousandLines', [fake('a.ts', 10, false, 'const x: any = 1'), fake('a.spec.ts', 10, true)]],
    ['testPerSource', [fake('a.ts', 50, false), fake('a.spec.ts', 20, true)]],
  ])('%s', (name, files) => {
    expect(overBudget(measure(files)).join('\n')).toContain(name);
  });
});
