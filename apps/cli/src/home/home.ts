import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DomainError } from '@millrace/kernel';
import { writePrivate } from './private-file.ts';

/** Raised when what lies in the folder changes in a way an older or newer program would misread. */
export const LAYOUT = 1;

export interface Home {
  readonly root: string;
  path(...parts: string[]): string;
}

export const homeAt = (root: string): Home => ({ root, path: (...parts) => join(root, ...parts) });

const FOLDERS = ['secrets', 'sources', 'segments', 'run', 'logs', 'warehouse', 'ledger', 'witness', 'nats', 'postgres'];

const unwritable = (root: string, error: Error): DomainError => new DomainError('invalid', 'home-unwritable', { home: root },
  `can't write to the data folder ${root} (${(error as NodeJS.ErrnoException).code ?? error.message}): make it writable for this user or set MILLRACE_HOME to another folder`);

/** Folder by folder: Node's recursive mkdir never returns where the file system answers ENOENT to a folder in an existing one, as /proc does. */
const makeFolder = (folder: string, mode = 0o755): void => {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode });
};

/**
 * Makes the folders, private to this user; Postgres, which never runs as root, must still be able to walk through to its own. A home
 * that was there before keeps its mode: it may be anybody's folder, and what is private lies below in folders of ours.
 */
const makeFolders = (home: Home): void => {
  const asRoot = process.getuid?.() === 0;
  makeFolder(home.root, asRoot ? 0o711 : 0o700);
  for (const folder of FOLDERS) {
    makeFolder(home.path(folder));
    chmodSync(home.path(folder), asRoot && folder === 'postgres' ? 0o711 : 0o700);
  }
  writeFileSync(home.path('run', 'writable'), '');
};

/** Throws `home-other-version` for a folder of another version. */
export const checkLayout = (home: Home): void => {
  const file = home.path('layout.json');
  if (!existsSync(file)) {
    if (existsSync(home.path('postgres', 'events'))) throw otherVersion(home, 'an unknown layout');
    return;
  }
  const found = layoutIn(readFileSync(file, 'utf8'));
  if (found !== LAYOUT) throw otherVersion(home, `layout ${found ?? 'unreadable'}`);
};

const layoutIn = (text: string): number | undefined => {
  const found = /"layout"\s*:\s*(\d+)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
};

const otherVersion = (home: Home, found: string): DomainError => new DomainError('conflict', 'home-other-version', { home: home.root, expected: LAYOUT },
  `the data folder ${home.root} was made by another version of Millrace (${found}, this one writes layout ${LAYOUT}): use that version, or set MILLRACE_HOME to a new folder`);

/**
 * Opens the data folder for writing, made if missing. Throws `home-unwritable` or `home-other-version`, each naming the folder and
 * the remedy; nothing is changed in a folder of another version.
 */
export const openHome = (root: string): Home => {
  const home = homeAt(root);
  checkLayout(home);
  try {
    makeFolders(home);
    if (!existsSync(home.path('layout.json'))) writePrivate(home.path('layout.json'), `${JSON.stringify({ layout: LAYOUT })}\n`);
  } catch (error) {
    throw unwritable(root, error as Error);
  }
  return home;
};

/** The nearest existing folder at or above the home: what disk space and rights are asked of. */
export const nearestExisting = (path: string): string => (existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path)));
