import { posix } from 'node:path';
import { nameOf, type SourceFile } from './source-tree.ts';

export interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly found: string;
}

export interface Rule {
  readonly name: string;
  readonly reason: string;
  check(files: readonly SourceFile[], packages: ReadonlyMap<string, PackageManifest>): Violation[];
}

export interface PackageManifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Who may import whom (STYLE 5). Apps may use every lib but `testing`; nobody imports an app. */
const LIBS_ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernel: [], embedded: [], contracts: ['kernel'], 'event-store': ['kernel'], 'event-bus': ['kernel'], privacy: ['kernel'], ledger: ['kernel'],
  'event-sourcing': ['kernel', 'contracts', 'event-store', 'event-bus', 'privacy'],
  intake: ['kernel', 'contracts', 'event-store', 'event-bus', 'privacy'],
  'service-kit': ['kernel', 'contracts', 'event-store', 'ledger', 'event-bus', 'privacy', 'event-sourcing', 'intake'],
  testing: ['kernel', 'embedded'],
};

const workspaceTarget = (specifier: string): string | undefined => /^@millrace\/([^/]+)/.exec(specifier)?.[1];

const perImport = (name: string, reason: string, bad: (file: SourceFile, specifier: string) => boolean): Rule => ({
  name, reason,
  check: (files) => files.flatMap((file) => file.imports.filter((specifier) => bad(file, specifier)).map((found) => ({ rule: name, path: file.path, found }))),
});

const perFile = (name: string, reason: string, bad: (file: SourceFile) => string | undefined): Rule => ({
  name, reason,
  check: (files) => files.flatMap((file) => { const found = bad(file); return found === undefined ? [] : [{ rule: name, path: file.path, found }]; }),
});

const isBrowserPart = (file: SourceFile): boolean => file.path.startsWith('apps/console/src/web/');
const NEST = /^@nestjs\//;
const IO = /^(@nestjs\/|pg$|typeorm$|@nats-io\/|@opentelemetry\/|node:|@duckdb\/)/;
const isPure = (file: SourceFile): boolean => /^libs\/(kernel|contracts)\//.test(file.path) || /\.(decider|projection)\.ts$/.test(file.path);

const ROLES = ['decider', 'projection', 'query', 'controller', 'consumer', 'step', 'mapping', 'rule', 'model', 'entity', 'migration', 'module', 'config', 'contract', 'spec', 'int.spec', 'e2e.spec', 'conformance', 'bench'];
const EMPTY_NAMES = /^(service|utils?|helpers?|manager|common|base|impl|misc|types|interfaces|constants|mapper|dto)$/;

const badName = (file: SourceFile): string | undefined => {
  const stem = nameOf(file).replace(/\.tsx?$/, '').replace(/\.d$/, '');
  const [noun = '', ...role] = stem.split('.');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(noun)) return `${stem}: not kebab-case`;
  const suffix = role.join('.');
  const known = suffix === '' || ROLES.includes(suffix) || /^(decider|projection|query|controller|consumer|step|mapping|rule|model|entity|migration|module|config|contract)\.(int\.|e2e\.)?spec$/.test(suffix);
  if (!known) return `${stem}: role "${suffix}" is not on the list`;
  return EMPTY_NAMES.test(noun) || EMPTY_NAMES.test(suffix) ? `${stem}: a name that says nothing` : undefined;
};

/** Routes that change something and take any token, or a session besides it: whoever may look may do these. */
const FOR_EVERY_TOKEN = new Set([
  'apps/console/src/session/session.controller.ts', 'apps/security/src/accounts/login-link.controller.ts', 'apps/security/src/accounts/session.controller.ts', // a person logs in through the console
  'apps/security/src/reveal/reveal.controller.ts', // asks for a session itself, and is audited
  'apps/warehouse/src/query/query.controller.ts', // a question too long for an address
]);

/** A route that changes something, without a word on who may call it, at the method or at its class. */
const openDoor = ({ path, text, isSpec }: SourceFile): string | undefined => {
  if (isSpec || FOR_EVERY_TOKEN.has(path) || /^@(Allow|Public)\(/m.test(text)) return undefined;
  return text.match(/(?:^ +@\w+\(.*\)\n)+/gm)?.find((decorators) => /@(Post|Put|Patch|Delete)\(/.test(decorators) && !/@(Allow|Public)\(/.test(decorators))?.trim();
};

const undeclared: Rule = {
  name: 'imports-declared',
  reason: 'Nx knows only package.json: an undeclared import makes `affected` wrong.',
  check: (files, packages) => files.filter((file) => !file.path.startsWith('tests/')).flatMap((file) => {
    const own = packages.get(file.project);
    return file.imports.flatMap((specifier) => {
      const target = workspaceTarget(specifier);
      if (target === undefined || own === undefined || own.name === `@millrace/${target}`) return [];
      const declared = own.dependencies?.[`@millrace/${target}`] ?? (file.isSpec ? own.devDependencies?.[`@millrace/${target}`] : undefined);
      return declared === undefined ? [{ rule: 'imports-declared', path: file.path, found: specifier }] : [];
    });
  }),
};

export const RULES: readonly Rule[] = [
  perImport('lib-boundaries', 'Dependencies point inward: kernel knows nobody, only apps know everything.', (file, specifier) => {
    const target = workspaceTarget(specifier);
    const lib = /^libs\/([^/]+)\//.exec(file.path)?.[1];
    if (target === undefined || lib === undefined || lib === target || file.isSpec) return false;
    return !(LIBS_ALLOWED[lib] ?? []).includes(target);
  }),
  perImport('nobody-imports-an-app', 'Services share events, not code.', (file, specifier) => {
    const target = workspaceTarget(specifier);
    const leaves = specifier.startsWith('.') && !file.path.startsWith('tests/') && !posix.join(posix.dirname(file.path), specifier).startsWith(`${file.project}/`);
    return leaves || (target !== undefined && !(target in LIBS_ALLOWED));
  }),
  perImport('testing-in-specs-only', 'Test servers must not reach production code.', (file, specifier) => !file.isSpec && /^@millrace\/testing|^@jest\/|^fast-check$/.test(specifier)),
  perImport('nest-in-service-kit-only', 'Of the libs only service-kit knows Nest.', (file, specifier) => /^libs\/(?!service-kit\/)/.test(file.path) && NEST.test(specifier)),
  perImport('pure-stays-pure', 'Deciders, projections, kernel and contracts do no I/O.', (file, specifier) => isPure(file) && !file.isSpec && IO.test(specifier)),
  perImport('browser-part', 'The browser part of console uses kernel and contracts only.', (file, specifier) => {
    const target = workspaceTarget(specifier);
    return isBrowserPart(file) && !file.isSpec && ((target !== undefined && !['kernel', 'contracts'].includes(target)) || IO.test(specifier));
  }),
  perImport('explicit-extensions', 'Source imports end in .ts, .tsx, .css or .json so that the file they name exists.', (file, specifier) => specifier.startsWith('.') && !/\.(ts|tsx|css|json|mjs)$/.test(specifier)),
  perFile('file-names', 'A file is named for a domain noun with a role from a closed list.', badName),
  perFile('no-default-export', 'Named exports only.', (file) => (/^export default /m.test(file.text) ? 'export default' : undefined)),
  perFile('index-at-lib-root-only', 'No barrels inside a project.', (file) => (nameOf(file) === 'index.ts' && !/^libs\/[^/]+\/src\/index\.ts$/.test(file.path) ? nameOf(file) : undefined)),
  perFile('no-star-export', 'The list of a lib\'s exports is explicit.', (file) => /^export \* from .*$/m.exec(file.text)?.[0]),
  perFile('no-skipped-tests', 'A test that does not run proves nothing.', (file) => /\b(it|test|describe)\.(skip|todo|failing|only)\b|\bx(it|describe|test)\(/.exec(file.text)?.[0]),
  perFile('no-follow-up-without-docs', 'A TODO nobody finds again is a promise the code does not keep.', (file) => (file.path.startsWith('tests/architecture/') ? undefined : /\b(TODO|FIXME|XXX)\b/.exec(file.text)?.[0])),
  perFile('writes-name-who-may', 'Without @Allow every token opens a route, also the console\'s, which only looks.', openDoor),
  undeclared,
];

export const check = (files: readonly SourceFile[], packages: ReadonlyMap<string, PackageManifest> = new Map()): Violation[] =>
  RULES.flatMap((rule) => rule.check(files, packages));
