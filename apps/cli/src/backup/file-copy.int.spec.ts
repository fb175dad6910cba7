import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../testing.ts';
import { copyHashed, refuseStrangers, systemIdentifierOf, verifyFiles, writeDurably } from './file-copy.ts';
import { archiveCommand, archivedFiles, ARCHIVING, pruneSegments } from './wal-archive.ts';

let scratch: ReturnType<typeof scratchFolder>;
const at = (...parts: string[]): string => join(scratch.path, ...parts);
beforeEach(() => { scratch = scratchFolder(); });
afterEach(() => scratch.remove());

describe('a file that is copied', () => {
  it.each([0, 1, 3_000_000])('of %d bytes is the same, hashed and counted on the way', async (size) => {
    const bytes = randomBytes(size);
    writeFileSync(at('from'), bytes);
    let moved = 0;
    const written = await copyHashed(at('from'), at('to', 'deeper', 'file'), (n) => { moved += n; });
    expect(written).toEqual({ bytes: size, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect([readFileSync(at('to', 'deeper', 'file')).equals(bytes), moved]).toEqual([true, size]);
  });

  it('and is gone meanwhile is passed over, leaving nothing', async () => {
    expect(await copyHashed(at('gone'), at('to'), () => undefined)).toBeUndefined();
    expect(existsSync(at('to'))).toBe(false);
  });

  it('is whole under its name or not there at all', async () => {
    await writeDurably(at('manifest'), 'one');
    await writeDurably(at('manifest'), 'two');
    expect([readFileSync(at('manifest'), 'utf8'), readdirSync(scratch.path)]).toEqual(['two', ['manifest']]);
  });
});

describe('files that are checked', () => {
  const file = (path: string, text: string) => ({ path, bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') });
  const known = [file('a', 'first'), file('sub/b', 'second')];
  beforeEach(() => {
    mkdirSync(at('sub'));
    writeFileSync(at('a'), 'first');
    writeFileSync(at('sub', 'b'), 'second');
  });

  it('are accepted as they were written, and read to their last byte', async () => {
    let read = 0;
    await verifyFiles(scratch.path, known, (bytes) => { read += bytes; });
    await refuseStrangers(scratch.path, new Set(known.map(({ path }) => path)));
    expect(read).toBe(11);
  });

  it.each<[string, () => void, string]>([
    ['missing', () => rmSync(at('sub', 'b')), 'sub/b is missing'], ['shorter', () => writeFileSync(at('sub', 'b'), 'sec'), 'sub/b has 3 bytes, expected 6'],
    ['other', () => writeFileSync(at('sub', 'b'), 'secONd'), 'sub/b has another SHA-256'],
  ])('that are %s are named', async (_, harm, why) => {
    harm();
    await expect(verifyFiles(scratch.path, known, () => undefined)).rejects.toMatchObject({ code: 'backup-altered', message: expect.stringContaining(why) });
  });

  it('are alone: one more is named', async () => {
    writeFileSync(at('sub', 'c'), '');
    await expect(refuseStrangers(scratch.path, new Set(known.map(({ path }) => path)))).rejects.toMatchObject({ code: 'backup-altered', details: { path: 'sub/c' } });
  });
});

it('reads a cluster\'s identity from its control file, and none where there is no cluster', async () => {
  expect(await systemIdentifierOf(scratch.path)).toBeUndefined();
  mkdirSync(at('global'));
  const control = Buffer.alloc(64);
  control.writeBigUInt64LE(7_576_123_456_789_012_345n);
  writeFileSync(at('global', 'pg_control'), control);
  expect(await systemIdentifierOf(scratch.path)).toBe('7576123456789012345');
});

describe('the archive command', () => {
  const SEGMENT = '000000010000000000000003';
  /** As the server's shell runs it: in the data folder, with path and name put in. */
  const run = (folder: string): Promise<number> => new Promise((resolve) => {
    const command = archiveCommand(folder).replaceAll('%%', '\u0000').replaceAll('%p', `pg_wal/${SEGMENT}`).replaceAll('%f', SEGMENT).replaceAll('\u0000', '%');
    execFile('sh', ['-c', command], { cwd: at('data') }, (error) => resolve(error ? 1 : 0));
  });
  beforeEach(() => {
    mkdirSync(at('data', 'pg_wal'), { recursive: true });
    mkdirSync(at(`it's 100%`));
    writeFileSync(at('data', 'pg_wal', SEGMENT), 'segment');
  });

  it('does nothing, and is content, until there was a backup', async () => {
    expect([await run(at(`it's 100%`)), readdirSync(at(`it's 100%`))]).toEqual([0, []]);
  });

  it('copies a segment whole, again without harm, never over another, and fails without its folder', async () => {
    writeFileSync(at('data', ARCHIVING), '');
    expect([await run(at(`it's 100%`)), await run(at(`it's 100%`)), readdirSync(at(`it's 100%`))]).toEqual([0, 0, [SEGMENT]]);
    writeFileSync(at('data', 'pg_wal', SEGMENT), 'another');
    expect([await run(at(`it's 100%`)), readFileSync(at(`it's 100%`, SEGMENT), 'utf8')]).toEqual([1, 'segment']);
    expect(await run(at('nowhere'))).toBe(1);
  });

  it('leaves segments that are listed, and pruned from the oldest on, whatever their time line', async () => {
    for (const name of ['000000010000000000000003', '000000020000000000000004', '000000010000000000000005', '00000002.history', 'stranger', '000000010000000000000006.partial']) writeFileSync(at(name), '');
    expect(await archivedFiles(scratch.path)).toEqual(['000000010000000000000003', '000000010000000000000005', '00000002.history', '000000020000000000000004']);
    expect(await pruneSegments(scratch.path, '000000010000000000000005')).toBe(2);
    expect(await archivedFiles(scratch.path)).toEqual(['000000010000000000000005', '00000002.history']);
  });
});
