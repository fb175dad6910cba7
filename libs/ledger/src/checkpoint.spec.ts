import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@millrace/kernel';
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { cosign, cosignedAt } from './cosignature.ts';
import { makeSeedText, SigningKey, VerifierKey } from './note-key.ts';
import { formatNote, formatSignature, isSignedBy, parseNote, parseSignature, signNote } from './signed-note.ts';

const log = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 1));
const witness = new SigningKey('millrace/witness', 'witness', Buffer.alloc(32, 2));
const stranger = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 3));
const NOW = new Date('2026-11-24T10:00:00.700Z');
const checkpoint = { origin: 'millrace/shop/sales/0/1764000000', size: 42, root: Buffer.alloc(32, 9), extensions: [] as string[] };
const text = formatCheckpoint(checkpoint);
const signed = signNote(text, log);
const cosigned = { text, signatures: [...signed.signatures, cosign(text, witness, NOW)] };
const keys = { log: log.verifier, witness: witness.verifier };
const code = (of: string) => expect.objectContaining({ code: of });

// From the C2SP texts themselves: the signatures there were made by others.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETER_NOTE = 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

describe('a signed note', () => {
  it('signed by Go\'s sumdb/note verifies', () => {
    expect(isSignedBy(parseNote(PETER_NOTE), VerifierKey.parse(PETER))).toBe(true);
  });
  it('is written as it was read', () => expect(formatNote(parseNote(PETER_NOTE))).toBe(PETER_NOTE));
  it('verifies for its text and key alone', () => {
    expect(isSignedBy(signed, log.verifier)).toBe(true);
    expect(isSignedBy(signed, stranger.verifier)).toBe(false);
    expect(isSignedBy({ ...signed, text: `${text}more\n` }, log.verifier)).toBe(false);
  });
  it('is refused when one of the key\'s signatures does not hold', () => {
    const wrong = { ...signed.signatures[0]!, signature: Buffer.alloc(64) };
    expect(isSignedBy({ text, signatures: [...signed.signatures, wrong] }, log.verifier)).toBe(false);
  });
  it('keeps empty lines of its text', () => {
    const note = signNote('a\n\nb\n', log);
    expect(parseNote(formatNote(note))).toEqual(note);
  });
  it.each([
    ['nothing', ''],
    ['no signature', 'a\n'],
    ['no last newline', formatNote(signed).slice(0, -1)],
    ['a tab', `a\tb\n\n${formatSignature(signed.signatures[0]!)}`],
    ['a hyphen for the dash', formatNote(signed).replace('—', '-')],
    ['broken base64', 'a\n\n— k abcde\n'],
    ['a megabyte', `${'a'.repeat(1_000_000)}\n\n— k AAAAAAAA\n`],
  ])('with %s is refused', (_, note) => {
    expect(() => parseNote(note)).toThrow(code('note-malformed'));
  });
  it('parses or is refused, whatever it is', () => fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '—', ' ', 'k', 'AAAAAAAA', '+', '\r') }), (note) => {
    const reading = (): string => {
      try { return formatNote(parseNote(note)); } catch (error) { return error instanceof DomainError && error.code === 'note-malformed' ? note : String(error); }
    };
    expect(reading()).toBe(note);
  })));
  it('reads signature lines one by one', () => {
    expect(parseSignature(formatSignature(signed.signatures[0]!).trimEnd())).toEqual(signed.signatures[0]);
  });
});

describe('a verifier key', () => {
  it('has one text form', () => {
    for (const key of [log.verifier, witness.verifier]) expect(VerifierKey.parse(key.toString()).toString()).toBe(key.toString());
    expect(VerifierKey.parse(witness.verifier.toString()).purpose).toBe('witness');
  });
  it.each([
    '',
    'name',
    'millrace/ledger+00000000+AQ==',
    log.verifier.toString().replace('ledger', 'lodger'),
    log.verifier.toString().slice(0, -2),
    'a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ])('is refused when it reads "%s"', (key) => {
    expect(() => VerifierKey.parse(key)).toThrow(code('ledger-key-malformed'));
  });
  it('is made from a seed of 64 hex digits', () => {
    expect(SigningKey.fromSeedText('n', 'log', `${makeSeedText()}\n`).verifier.name).toBe('n');
    expect(() => SigningKey.fromSeedText('n', 'log', 'abc')).toThrow(code('ledger-key-malformed'));
    expect(() => new SigningKey('a b', 'log', Buffer.alloc(32))).toThrow(code('ledger-key-malformed'));
  });
});

describe('a checkpoint', () => {
  it('is read back', () => fc.assert(fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(fc.stringMatching(/^[^\n]{1,9}$/)), (size, root, extensions) => {
    const made = { origin: 'o', size, root: Buffer.from(root), extensions };
    expect(parseCheckpoint(formatCheckpoint(made))).toEqual(made);
  })));
  it.each([
    ['a size with a zero before it', text.replace('42', '042')],
    ['a negative size', text.replace('42', '-1')],
    ['too large a size', text.replace('42', '9007199254740993')],
    ['a short root', text.replace(/\n[^\n]+=\n/, '\nAAAA\n')],
    ['two lines', 'a\n1\n'],
    ['an empty extension', `${text}\n`],
    ['no origin', text.slice(text.indexOf('\n'))],
  ])('with %s is refused', (_, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(code('checkpoint-malformed'));
  });
  it('is not written with a line that is empty or two', () => {
    for (const extensions of [[''], ['a\nb']]) expect(() => formatCheckpoint({ ...checkpoint, extensions })).toThrow(code('checkpoint-malformed'));
  });
  it('opens with the keys of its log and witness', () => {
    expect(openCheckpoint(formatNote(cosigned), keys)).toMatchObject({ ...checkpoint, cosignedAt: new Date('2026-11-24T10:00:00.000Z') });
    expect(openCheckpoint(formatNote(signed), { log: log.verifier })).toMatchObject(checkpoint);
  });
  it('signed with another key says so', () => {
    expect(() => openCheckpoint(formatNote(signNote(text, stranger)), keys)).toThrow(expect.objectContaining({ code: 'checkpoint-not-signed', message: expect.stringContaining('another key') }));
    expect(() => openCheckpoint(formatNote(signed), keys)).toThrow(code('checkpoint-not-cosigned'));
  });
});

describe('a cosignature', () => {
  it('tells when, to the second', () => {
    expect(cosignedAt(cosigned, witness.verifier)).toEqual(new Date('2026-11-24T10:00:00.000Z'));
  });
  it('is the latest of several', () => {
    const later = { text, signatures: [cosign(text, witness, new Date(NOW.getTime() + 5000)), ...cosigned.signatures] };
    expect(cosignedAt(later, witness.verifier)).toEqual(new Date('2026-11-24T10:00:05.000Z'));
  });
  it.each([7, 8, 71])('with byte %d changed is none', (at) => {
    const { signature, ...rest } = cosigned.signatures[1]!;
    const other = Buffer.from(signature);
    other[at]! ^= 1;
    expect(cosignedAt({ text, signatures: [{ ...rest, signature: other }] }, witness.verifier)).toBeUndefined();
  });
  it('of another text or length is none', () => {
    expect(cosignedAt({ ...cosigned, text: text.replace('42', '43') }, witness.verifier)).toBeUndefined();
    expect(cosignedAt({ text, signatures: [{ ...cosigned.signatures[1]!, signature: Buffer.alloc(8) }] }, witness.verifier)).toBeUndefined();
    expect(cosignedAt(signed, witness.verifier)).toBeUndefined();
  });
});
