import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeAt, LAYOUT, openHome } from './home.ts';
import { acquireLock, lockHolder } from './lock.ts';
import { readIfThere, writePrivate } from './private-file.ts';
import { identityOf, isAlive } from './process-identity.ts';
import { apiToken, apiTokenDigests, nkeyOf, postgresPassword, rootKey, xkeyOf } from './secret.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'millrace-home-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('a data folder', () => {
  it('is made with its folders, private to its owner', () => {
    const home = openHome(join(folder, 'deep', 'home'));
    expect(JSON.parse(readFileSync(home.path('layout.json'), 'utf8'))).toEqual({ layout: LAYOUT });
    for (const name of ['secrets', 'sources', 'segments', 'run', 'logs', 'warehouse', 'nats']) expect(mode(home.path(name))).toBe('700');
    expect(mode(home.root)).toBe(process.getuid?.() === 0 ? '711' : '700');
    expect(openHome(home.root).root).toBe(home.root);
  });

  it('of another layout is left alone, with one line that names it', () => {
    writeFileSync(join(folder, 'layout.json'), '{"layout":2}');
    expect(() => openHome(folder)).toThrow(new RegExp(`data folder ${folder} was made by another version of Millrace \\(layout 2`));
    expect(existsSync(join(folder, 'secrets'))).toBe(false);
  });

  it('without a layout file but with databases is of another version too', () => {
    mkdirSync(join(folder, 'postgres', 'events'), { recursive: true });
    expect(() => openHome(folder)).toThrow(/another version/);
  });

  it('that can\'t be made is one line with the way out', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openHome(join(folder, 'file', 'home'))).toThrow(/can't write to the data folder .*file\/home \(ENOTDIR\): make it writable for this user or set MILLRACE_HOME/);
  });
});

describe('the lock', () => {
  it('refuses a second start while its holder lives, and names it', () => {
    const home = openHome(folder);
    const lock = acquireLock(home);
    expect(() => acquireLock(home)).toThrow(`already running from ${folder} (process ${process.pid})`);
    expect(lockHolder(home)?.pid).toBe(process.pid);
    lock.release();
    expect(lockHolder(home)).toBeUndefined();
    acquireLock(home).release();
  });

  it('of a process that is gone, or whose id another process has by now, is taken over', () => {
    const home = openHome(folder);
    const me = identityOf(process.pid)!;
    for (const holder of [{ ...me, pid: 4_000_000 }, { ...me, startedTicks: '1' }, { ...me, boot: 'another' }]) {
      writeFileSync(home.path('run', 'lock.json'), JSON.stringify({ ...holder, home: folder }));
      expect(lockHolder(home)).toBeUndefined();
      acquireLock(home).release();
    }
  });

  it('copied along with the folder doesn\'t hold the copy', () => {
    const home = openHome(join(folder, 'original'));
    const lock = acquireLock(home);
    cpSync(home.root, join(folder, 'copy'), { recursive: true });
    const copy = homeAt(join(folder, 'copy'));
    acquireLock(copy).release();
    expect(lockHolder(home)?.pid).toBe(process.pid);
    lock.release();
  });
});

describe('secrets', () => {
  it('are made once, differ from each other, and are for the owner only', () => {
    const home = openHome(folder);
    const made = [postgresPassword(home, 'a'), postgresPassword(home, 'b'), apiToken(home, 'operator'), apiToken(home, 'console'), rootKey(home)];
    expect(new Set(made).size).toBe(made.length);
    expect([postgresPassword(home, 'a'), postgresPassword(home, 'b'), apiToken(home, 'operator'), apiToken(home, 'console'), rootKey(home)]).toEqual(made);
    for (const name of ['postgres-a.password', 'operator.token', 'root.key']) expect(mode(home.path('secrets', name))).toBe('600');
    expect(rootKey(home)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('of the bus have a public half that stays the same', () => {
    const home = openHome(folder);
    const [nkey, xkey] = [nkeyOf(home, 'analytics'), xkeyOf(home, 'analytics')];
    expect(nkey.publicKey).toMatch(/^U[A-Z2-7]{55}$/);
    expect(xkey.publicKey).toMatch(/^X[A-Z2-7]{55}$/);
    expect([nkeyOf(home, 'analytics'), xkeyOf(home, 'analytics')]).toEqual([nkey, xkey]);
    expect(readIfThere(nkey.seedFile)).toMatch(/^SU/);
    expect(mode(xkey.seedFile)).toBe('600');
  });

  it('are passed on as digests only', () => {
    const home = openHome(folder);
    expect(apiTokenDigests(home)).toMatch(/^operator:[0-9a-f]{64},console:[0-9a-f]{64}$/);
    expect(apiTokenDigests(home)).not.toContain(apiToken(home, 'operator'));
  });
});

it('writes private files whole and reads what is there', () => {
  const file = join(folder, 'new', 'secret');
  expect(readIfThere(file)).toBeUndefined();
  writePrivate(file, 'one');
  writePrivate(file, 'two');
  expect([readIfThere(file), mode(file)]).toEqual(['two', '600']);
});

it('takes a torn lock, and a home that is a file, for nobody\'s', () => {
  const home = openHome(join(folder, 'torn'));
  writeFileSync(home.path('run', 'lock.json'), '{"p');
  expect(lockHolder(home)).toBeUndefined();
  const lock = acquireLock(home);
  expect(lockHolder(home)?.pid).toBe(process.pid);
  lock.release();
  writeFileSync(join(folder, 'a-file'), '');
  expect(lockHolder(homeAt(join(folder, 'a-file')))).toBeUndefined();
});

it('knows a live process from one that is gone', () => {
  expect(isAlive(identityOf(process.pid)!)).toBe(true);
  expect(identityOf(4_100_000)).toBeUndefined();
});

it('leaves the mode of a folder that was there, and closes those it makes', () => {
  openHome(folder);
  expect(mode(folder)).toBe('700'); // as mkdtemp made it
  expect(mode(join(folder, 'secrets'))).toBe('700');
});

it('fails at once where the file system makes no folders', () => {
  expect(() => openHome('/proc/millrace')).toThrow(/can't write to the data folder \/proc\/millrace \(ENOENT\)/);
});
