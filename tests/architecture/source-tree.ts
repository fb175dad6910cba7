import { parseSync } from '@swc/core';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One source file as the rules see it. `path` is relative to the tree's root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly isSpec: boolean;
  /** `libs/kernel`, `apps/cli`, `tests`. */
  readonly project: string;
  readonly imports: readonly string[];
}

interface SwcNode { readonly type: string; readonly source?: { readonly value: string } | null }

/** Static imports and re-exports, by the compiler's own parser; dynamic imports of a literal by pattern. */
const importsOf = (path: string, text: string): string[] => {
  const module = parseSync(text, { syntax: 'typescript', decorators: true, tsx: path.endsWith('x'), target: 'es2024' });
  const fixed = (module.body as unknown[]).map((item) => (item as SwcNode).source?.value).filter((value): value is string => value !== undefined);
  return [...fixed, ...[...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)].map((match) => match[1]!)];
};

const projectOf = (path: string): string => path.split('/').slice(0, path.startsWith('tests/') ? 1 : 2).join('/');

export const readTree = (root: string): SourceFile[] =>
  globSync(['{apps,libs}/*/src/**/*.{ts,tsx}', '{apps,libs}/*/migrations/**/*.ts', 'tests/**/*.ts'], { cwd: root, exclude: (name) => name.includes('node_modules') || name.includes('dist') })
    .filter((path) => !path.startsWith('tests/architecture/fixtures/') && !path.includes('/dist/'))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const isSpec = /\.(spec|conformance)\.tsx?$/.test(path) || path.startsWith('tests/') || path.includes('/fixtures/') || path.endsWith('/testing.ts') || path.startsWith('libs/testing/');
      return { path, text, lines: text.split('\n').length - 1, isSpec, project: projectOf(path), imports: importsOf(path, text) };
    });

export const folderOf = (file: SourceFile): string => dirname(file.path);
export const nameOf = (file: SourceFile): string => basename(file.path);
