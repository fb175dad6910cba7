import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatCheckpoint } from './checkpoint.ts';
import { cosign } from './cosignature.ts';
import { formatProof } from './log-proof.ts';
import { SigningKey } from './note-key.ts';
import { readVerifierKey, verdictLine, verifyOffline } from './offline.ts';
import { formatNote, signNote } from './signed-note.ts';
import { sampleExport } from './testing.ts';
import { hashLeaf } from './tree-hash.ts';

const log = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 1));
const witness = new SigningKey('millrace/witness', 'witness', Buffer.alloc(32, 2));
const stranger = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 3));
const keys = { log: log.verifier, witness: witness.verifier };
const ORIGIN = 'millrace/shop/sales/0/1764000000';
const note = (size: number, root: Uint8Array): string => {
  const signed = signNote(formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] }), log);
  return formatNote({ ...signed, signatures: [...signed.signatures, cosign(signed.text, witness, new Date('2026-11-24T10:00:00Z'))] });
};
const BODIES = Array.from({ length: 600 }, (_, n) => (n === 299 ? undefined : Buffer.from(`salt and data of ${n}`)));

let dir: string;
let folder: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-offline-'));
  folder = join(dir, 'export');
  for (const [path, content] of sampleExport(BODIES, note)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
});
afterEach(() => rm(dir, { recursive: true }));

const change = async (path: string, at: number): Promise<void> => {
  const content = await readFile(join(folder, path));
  content[at < 0 ? content.length + at : at]! ^= 1;
  await writeFile(join(folder, path), content);
};

describe('an export', () => {
  it('verifies with the keys alone, and tells what was redacted', async () => {
    const seen: number[] = [];
    const verdict = await verifyOffline(folder, keys, (done) => { seen.push(done); });
    expect(verdict).toEqual({ kind: 'export', origin: ORIGIN, size: 600, cosignedAt: '2026-11-24T10:00:00.000Z', redacted: [300] });
    expect(verdictLine(verdict)).toBe(`valid: 600 events of ${ORIGIN} (cosigned 2026-11-24T10:00:00.000Z); redacted: 1 (positions 300)`);
    expect(seen).toEqual([256, 512, 600]);
  });

  it('verifies without the witness\'s key, and says so', async () => {
    expect(verdictLine(await verifyOffline(folder, { log: log.verifier }))).toContain('signed; no witness key was given');
  });

  it.each<[string, string, RegExp, () => Promise<unknown>]>([
    ['another key', 'checkpoint-not-signed', /made with another key/, () => Promise.resolve()],
  ])('with %s is refused', async (_, code, message, alter) => {
    await alter();
    await expect(verifyOffline(folder, { log: stranger.verifier })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each<[string, RegExp, () => Promise<unknown>]>([
    ['an entry changed', /position 257 is not the one of tile\/0\/001/, () => change('tile/entries/001', 5)],
    ['data changed', /data at position 512 is not what its entry commits to/, () => change('data/001', -1)],
    ['a digest changed', /data at position 1 is not/, () => change('tile/entries/000', 2 + '{"id":"e-0"}'.length)],
    ['the digest of a redacted event changed', /position 300 is not the one of tile/, async () => {
      const bundle = await readFile(join(folder, 'tile/entries/001'));
      await change('tile/entries/001', bundle.indexOf('e-299') + 10);
    }],
    ['a tile changed', /position 513 is not the one of tile\/0\/002.p\/88/, () => change('tile/0/002.p/88', 3)],
    ['an upper tile changed', /position 257 is not the one of tile\/1\/000.p\/2/, () => change('tile/1/000.p/2', 40)],
    ['the last bundle gone', /has no tile\/entries\/002.p\/88/, () => rm(join(folder, 'tile/entries/002.p/88'))],
    ['a bundle cut', /ends after \d+ whole ones/, () => truncate(join(folder, 'tile/entries/001'), 3000)],
    ['its checkpoint gone', /has no checkpoint/, () => rm(join(folder, 'checkpoint'))],
    ['its checkpoint cut', /cut or is something else/, () => truncate(join(folder, 'checkpoint'), 90)],
    ['its checkpoint edited', /made with another key, or changed/, async () => {
      const text = await readFile(join(folder, 'checkpoint'), 'utf8');
      await writeFile(join(folder, 'checkpoint'), text.replace('600', '512'));
    }],
  ])('with %s is refused in one line', async (_, message, alter) => {
    await alter();
    const refused = await verifyOffline(folder, keys).then(() => 'accepted', (error: Error) => error.message);
    expect(refused).toMatch(message);
    expect(refused).not.toContain('\n');
  });

  it('whose entries and tiles were changed together does not give the root', async () => {
    const forged = sampleExport(BODIES.map((body, n) => (n === 7 ? Buffer.from('forged') : body)), note);
    for (const [path, content] of forged) if (path !== 'checkpoint') await writeFile(join(folder, path), content);
    await expect(verifyOffline(folder, keys)).rejects.toMatchObject({ code: 'export-altered', message: expect.stringMatching(/do not give the root signed/) });
  });
});

describe('a proof', () => {
  const entry = Buffer.concat([Buffer.from('{"id":"e-0"}'), Buffer.alloc(32)]);
  it('verifies and shows the envelope', async () => {
    await writeFile(join(dir, 'p'), formatProof({ entry, index: 0, path: [], checkpoint: note(1, hashLeaf(entry)) }));
    const verdict = await verifyOffline(join(dir, 'p'), keys);
    expect(verdict).toMatchObject({ kind: 'proof', position: 1, size: 1, envelope: { id: 'e-0' } });
    expect(verdictLine(verdict)).toMatch(/^valid: the event stands at position 1 of millrace\/shop\/sales\/0\/1764000000, among 1 \(cosigned/);
  });
  it('of another tree size is refused', async () => {
    await writeFile(join(dir, 'p'), formatProof({ entry, index: 0, path: [], checkpoint: note(2, hashLeaf(entry)) }));
    await expect(verifyOffline(join(dir, 'p'), keys)).rejects.toMatchObject({ code: 'proof-wrong', message: expect.stringContaining('another tree size') });
  });
  it('that isn\'t there is named', async () => {
    await expect(verifyOffline(join(dir, 'none'), keys)).rejects.toMatchObject({ code: 'nothing-to-verify' });
  });
});

describe('a key', () => {
  it('is given as text or as a file', async () => {
    await writeFile(join(dir, 'k.pub'), `${log.verifier.toString()}\n`);
    expect((await readVerifierKey(join(dir, 'k.pub'), 'log')).toString()).toBe(log.verifier.toString());
    expect((await readVerifierKey(log.verifier.toString(), 'log')).toString()).toBe(log.verifier.toString());
  });
  it('of the other kind, or none, is refused', async () => {
    await expect(readVerifierKey(witness.verifier.toString(), 'log')).rejects.toThrow(/--key takes the log's/);
    await expect(readVerifierKey(join(dir, 'none'), 'log')).rejects.toMatchObject({ code: 'ledger-key-malformed' });
  });
});

describe('the script for who has nothing of Millrace running', () => {
  const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => new Promise((resolve) => {
    const loader = ['--conditions=source', '--import', join(import.meta.dirname, '../../../tools/swc-hook.mjs')];
    execFile(process.execPath, [...loader, join(import.meta.dirname, 'verify.ts'), ...args], { cwd: join(import.meta.dirname, '..') }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
  it('says valid and exits 0, or why not in one line and exits 1', async () => {
    expect(await run(folder, '--key', log.verifier.toString(), '--witness-key', witness.verifier.toString())).toMatchObject({ code: 0, stdout: expect.stringMatching(/^valid: 600 events .*\n$/) });
    await change('data/000', -1);
    expect(await run(folder, '--key', log.verifier.toString())).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/^verify: The data at position 256 [^\n]*\n$/) });
    expect(await run(folder)).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/^verify: usage: [^\n]*\n$/) });
  });
});
