import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { check, RULES, type PackageManifest } from './rules.ts';
import { readTree } from './source-tree.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');

const packagesOf = (tree: string): Map<string, PackageManifest> =>
  new Map(globSync('{apps,libs}/*/package.json', { cwd: tree }).map((file) => [dirname(file), JSON.parse(readFileSync(join(tree, file), 'utf8')) as PackageManifest]));

it('finds no violation in the workspace', () => {
  const files = readTree(root);
  expect(files.length).toBeGreaterThan(100);
  expect(check(files, packagesOf(root))).toEqual([]);
});

describe('each rule finds its planted violation, and nothing else does', () => {
  it.each(RULES.map((rule) => [rule.name, rule.reason]))('%s: %s', (name) => {
    const tree = join(fixtures, name);
    const found = check(readTree(tree), packagesOf(tree));
    expect(found.length).toBeGreaterThan(0);
    expect([...new Set(found.map((violation) => violation.rule))]).toEqual([name]);
  });
});
