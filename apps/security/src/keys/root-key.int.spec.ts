import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readRootKey } from './root-key.ts';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'millrace-root-key-')); });
afterAll(() => rm(folder, { recursive: true }));

const file = async (text: string, mode = 0o600): Promise<string> => {
  const path = join(folder, 'root.key');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
};

describe('the root key file', () => {
  it('gives 32 bytes', async () => expect(await readRootKey(await file(`${'0f'.repeat(32)}\n`))).toEqual(Buffer.alloc(32, 0x0f)));

  it.each([0o640, 0o604, 0o660, 0o644])('is refused with mode %o', async (mode) => {
    await expect(readRootKey(await file('0f'.repeat(32), mode))).rejects.toMatchObject({ kind: 'invalid', code: 'secret-file-open' });
  });

  it.each([['empty', '', 'secret-file-empty'], ['too short', '0f'.repeat(31), 'root-key-malformed'], ['no hex', 'x'.repeat(64), 'root-key-malformed']])('is refused when %s, without repeating what it holds', async (_, text, code) => {
    await expect(readRootKey(await file(text))).rejects.toMatchObject({ code });
    await expect(readRootKey(await file(text))).rejects.not.toThrow(/xxx|0f0f/);
  });

  it('is refused when missing', () => expect(readRootKey(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' }));
});
