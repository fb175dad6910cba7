import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAbsent, removeOrphans, writeDurably } from './durable-file.ts';

let dir: string;
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'millrace-file-')); });
afterEach(() => rm(dir, { recursive: true }));

const tree = async (): Promise<string[]> => (await readdir(dir, { recursive: true })).toSorted();

describe('writeDurably', () => {
  it('makes folders, writes the file and says how large it is', async () => {
    expect(await writeDurably(join(dir, 'a/b/c.txt'), (temporary) => writeFile(temporary, 'hello'))).toBe(5);
    expect(await readFile(join(dir, 'a/b/c.txt'), 'utf8')).toBe('hello');
    expect(await tree()).toEqual(['a', 'a/b', 'a/b/c.txt']);
  });

  it('replaces a file of the same name in one step', async () => {
    await writeDurably(join(dir, 'c.txt'), (temporary) => writeFile(temporary, 'first'));
    let during = '';
    await writeDurably(join(dir, 'c.txt'), async (temporary) => {
      await writeFile(temporary, 'second');
      during = await readFile(join(dir, 'c.txt'), 'utf8');
    });
    expect([during, await readFile(join(dir, 'c.txt'), 'utf8')]).toEqual(['first', 'second']);
  });

  it('leaves the old file when writing fails', async () => {
    await writeDurably(join(dir, 'c.txt'), (temporary) => writeFile(temporary, 'first'));
    await expect(writeDurably(join(dir, 'c.txt'), async (temporary) => {
      await writeFile(temporary, 'sec');
      throw new Error('disk full');
    })).rejects.toThrow('disk full');
    expect(await readFile(join(dir, 'c.txt'), 'utf8')).toBe('first');
  });
});

describe('removeOrphans', () => {
  const put = async (...paths: string[]): Promise<void> => {
    for (const path of paths) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), 'x');
    }
  };

  it('removes what is not known, half-written files and folders left empty', async () => {
    await put('a/known.parquet', 'a/.known.parquet.part', 'a/other.parquet', 'b/c/gone.parquet', 'b/d/known.parquet');
    expect(await removeOrphans(dir, new Set([join(dir, 'a/known.parquet'), join(dir, 'b/d/known.parquet')]))).toBe(3);
    expect(await tree()).toEqual(['a', 'a/known.parquet', 'b', 'b/d', 'b/d/known.parquet']);
  });

  it('has nothing to do where there is nothing', async () => {
    expect(await removeOrphans(join(dir, 'none'), new Set())).toBe(0);
  });
});

it('tells an absent file from other faults', async () => {
  const faultOf = (path: string): Promise<unknown> => readFile(path).then(() => undefined, (error: unknown) => error);
  expect([isAbsent(await faultOf(join(dir, 'none'))), isAbsent(await faultOf(dir)), isAbsent(undefined), isAbsent('ENOENT')]).toEqual([true, false, false, false]);
});
