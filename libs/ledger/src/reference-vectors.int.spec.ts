import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { dataSet } from '@millrace/testing';
import { verifyConsistency, verifySubtree } from './proof-verification.ts';

interface Vector {
  readonly size1?: number;
  readonly size2?: number;
  readonly start?: number;
  readonly end?: number;
  readonly size?: number;
  readonly root1: string | null;
  readonly root2: string | null;
  readonly proof: readonly (string | null)[] | null;
  readonly wantErr: boolean;
}

/** The files of a tar archive: a header of 512 bytes holds the name (its first 100 bytes), from byte 124 on the size in octal, at 156 a 0 for a file. */
const filesOf = (tar: Buffer): Map<string, Vector> => {
  const files = new Map<string, Vector>();
  for (let at = 0; tar[at] !== undefined && tar[at] !== 0;) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    if (tar[at + 156] === 0x30 && name.startsWith('testdata/')) files.set(`${name} at ${at}`, JSON.parse(tar.toString('utf8', at + 512, at + 512 + size)) as Vector);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
};

const folder = dataSet('merkle-rfc6962');
const bytes = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64');
const accepted = (vector: Vector): boolean => {
  const proof = (vector.proof ?? []).map(bytes);
  const [from, to] = [bytes(vector.root1), bytes(vector.root2)];
  return vector.size === undefined
    ? verifyConsistency(vector.size1 ?? 0, vector.size2 ?? 0, from, to, proof)
    : verifySubtree(vector.start ?? 0, vector.end ?? 0, vector.size, from, to, proof);
};

describe('transparency-dev/merkle\'s vectors', () => {
  it.each([['consistency', 98], ['subtreeconsistency', 118]])('of %s are accepted and refused as they say', async (kind, count) => {
    const all = folder === undefined ? new Map<string, Vector>() : filesOf(gunzipSync(await readFile(join(folder, 'consistency.tar.gz'))));
    const ours = [...all].filter(([name]) => name.startsWith(`testdata/${kind}/`));
    const wrong = ours.filter(([, vector]) => accepted(vector) === vector.wantErr).map(([name]) => name);
    expect(wrong).toEqual([]);
    expect(ours).toHaveLength(folder === undefined ? 0 : count);
  });
});
