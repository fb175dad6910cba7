import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { formatCheckpoint } from './checkpoint.ts';
import { cosign } from './cosignature.ts';
import { formatBundle, parseBundle } from './entry-bundle.ts';
import { formatProof, parseProof, verifyProof } from './log-proof.ts';
import { SigningKey } from './note-key.ts';
import { formatNote, signNote } from './signed-note.ts';
import { naivePath, naiveRoot } from './testing.ts';
import { hashLeaf } from './tree-hash.ts';

const log = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 1));
const witness = new SigningKey('millrace/witness', 'witness', Buffer.alloc(32, 2));
const keys = { log: log.verifier, witness: witness.verifier };
const ENTRIES = Array.from({ length: 21 }, (_, n) => Buffer.from(`{"id":"e-${n}"}${'d'.repeat(32)}`));
const LEAVES = ENTRIES.map(hashLeaf);
const checkpointAt = (size: number, signer = log): string => {
  const note = signNote(formatCheckpoint({ origin: 'millrace/shop/sales/0/1', size, root: naiveRoot(LEAVES.slice(0, size)), extensions: [] }), signer);
  return formatNote({ ...note, signatures: [...note.signatures, cosign(note.text, witness, new Date(0))] });
};
const proofAt = (index: number, size: number) => ({ entry: ENTRIES[index]!, index, path: naivePath(index, LEAVES.slice(0, size)).map((hash) => Buffer.from(hash)), checkpoint: checkpointAt(size) });
const code = (of: string) => expect.objectContaining({ code: of });

describe('a proof file', () => {
  it('is read back and holds, at every index and size', () => fc.assert(fc.property(fc.integer({ min: 1, max: 21 }).chain((size) => fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size))), ([index, size]) => {
    const proof = proofAt(index, size);
    expect(parseProof(formatProof(proof))).toEqual(proof);
    expect(verifyProof(proof, keys)).toMatchObject({ origin: 'millrace/shop/sales/0/1', size });
  }), { numRuns: 40 }));
  it('begins as C2SP\'s do', () => {
    expect(formatProof(proofAt(3, 9))).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex 3\n(\S{44}\n){4}\nmillrace\/shop\/sales\/0\/1\n9\n/);
  });
  it('of another tree size is wrong, and says what to look for', () => {
    expect(() => verifyProof({ ...proofAt(3, 9), checkpoint: checkpointAt(10) }, keys)).toThrow(expect.objectContaining({ code: 'proof-wrong', message: expect.stringContaining('another tree size') }));
  });
  it('of another entry or index is wrong', () => {
    expect(() => verifyProof({ ...proofAt(3, 9), entry: ENTRIES[4]! }, keys)).toThrow(code('proof-wrong'));
    expect(() => verifyProof({ ...proofAt(3, 9), index: 4 }, keys)).toThrow(code('proof-wrong'));
  });
  it('with a checkpoint of another key is refused before its path', () => {
    const stranger = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 3));
    expect(() => verifyProof({ ...proofAt(3, 9), checkpoint: checkpointAt(9, stranger) }, keys)).toThrow(code('checkpoint-not-signed'));
  });
  it('changed at any byte never holds', () => fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 127 }), (where, by) => {
    const whole = Buffer.from(formatProof(proofAt(5, 13)));
    whole[where % whole.length] = (whole[where % whole.length]! + by) % 128;
    const text = whole.toString('utf8');
    fc.pre(text !== formatProof(proofAt(5, 13)));
    expect(() => verifyProof(parseProof(text), keys)).toThrow(/./);
  })));
  it.each([
    ['cut', formatProof(proofAt(3, 9)).slice(0, 60)],
    ['empty', ''],
    ['a checkpoint', checkpointAt(3)],
    ['without its entry', formatProof(proofAt(3, 9)).replace(/extra .*\n/, '')],
    ['with a negative index', formatProof(proofAt(3, 9)).replace('index 3', 'index -3')],
    ['with a short hash', formatProof(proofAt(3, 9)).replace(/\n\S{43}=\n/, '\nAAAA\n')],
  ])('that is %s is none', (_, text) => {
    expect(() => parseProof(text)).toThrow(code('proof-malformed'));
  });
});

describe('a bundle', () => {
  const items = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  it('is read back', () => fc.assert(fc.property(items, fc.constantFrom<(2 | 4)[]>(2, 4), (list, width) => {
    expect(parseBundle(formatBundle(list, width), list.length, width).map((item) => [...item])).toEqual(list.map((item) => [...item]));
  })));
  it('that is cut or longer is refused', () => fc.assert(fc.property(items, fc.nat(), (list, cut) => {
    const bundle = formatBundle(list, 2);
    fc.pre(bundle.length > 0);
    expect(() => parseBundle(Buffer.concat([bundle, Buffer.of(0)]), list.length, 2)).toThrow(code('bundle-malformed'));
    expect(() => parseBundle(bundle.subarray(0, cut % bundle.length), list.length, 2)).toThrow(code('bundle-malformed'));
  })));
});
