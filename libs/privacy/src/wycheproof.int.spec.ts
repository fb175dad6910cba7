import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { dataSet } from '@millrace/testing';
import { openBytes } from './sealed-value.ts';

interface Vectors {
  readonly testGroups: readonly {
    readonly keySize: number; readonly ivSize: number; readonly tagSize: number;
    readonly tests: readonly { readonly tcId: number; readonly key: string; readonly iv: string; readonly aad: string; readonly msg: string; readonly ct: string; readonly tag: string; readonly result: 'valid' | 'invalid' }[];
  }[];
}
const folder = dataSet('crypto-wycheproof');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('AES-256-GCM with 12-byte IV and 16-byte tag', () => {
  it('opens every valid Wycheproof vector and none that is invalid', async () => {
    const vectors: Vectors = folder === undefined ? { testGroups: [] } : JSON.parse(gunzipSync(await readFile(join(folder, 'aes_gcm_test.json.gz'))).toString());
    const ours = vectors.testGroups.filter(({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128).flatMap(({ tests }) => tests);
    const outcomes = ours.map(({ tcId, key, iv, aad, msg, ct, tag, result }) => {
      try {
        return { tcId, expected: result, got: openBytes(hex(key), Buffer.concat([hex(iv), hex(ct), hex(tag)]), hex(aad)).equals(hex(msg)) ? 'valid' : 'other plaintext' };
      } catch {
        return { tcId, expected: result, got: 'invalid' };
      }
    });
    expect(outcomes.filter(({ expected, got }) => expected !== got)).toEqual([]);
    // 66 vectors at the revision recorded with the data set: fewer would mean that the filter above lost some.
    expect(ours.length).toBe(folder === undefined ? 0 : 66);
  });
});
