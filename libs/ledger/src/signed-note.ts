import { DomainError } from '@millrace/kernel';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { isKeyName, type SigningKey, type VerifierKey } from './note-key.ts';

/** A signature line of a note: not checked until a key is at hand. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A C2SP signed note taken apart. `text` ends in a newline. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Notes of ours have a few lines; a larger one is refused before it is looked at. */
const MAX_NOTE_BYTES = 64 * 1024;
const MAX_SIGNATURES = 64;
const LINE = /^\u2014 (\S+) (\S+)$/u;

const malformed = (message: string): DomainError => new DomainError('invalid', 'note-malformed', {}, message);

/** One line with its newline. */
export const formatSignature = ({ name, keyId, signature }: NoteSignature): string => `\u2014 ${name} ${encodeBase64(Buffer.concat([keyId, signature]))}\n`;

/** Reads one line without its newline; throws `note-malformed`. */
export const parseSignature = (line: string): NoteSignature => {
  const [, name = '', encoded = ''] = LINE.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (bytes === undefined || bytes.length < 5 || !isKeyName(name)) throw malformed('A signature line is written "— <key name> <base64 of key id and signature>"; one of this note is not.');
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
};

/** The whole note. */
export const formatNote = ({ text, signatures }: SignedNote): string => `${text}\n${signatures.map(formatSignature).join('')}`;

/** Takes a note apart; throws `note-malformed`. Signatures are not verified. */
export const parseNote = (note: string): SignedNote => {
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw malformed(`A note has at most ${MAX_NOTE_BYTES} bytes; this one has ${Buffer.byteLength(note)}.`);
  // oxlint-disable-next-line no-control-regex -- the format forbids them
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) throw malformed('A note is text without control characters; this one has some.');
  const split = note.lastIndexOf('\n\n');
  const lines = note.slice(split + 2);
  if (split < 1 || !lines.endsWith('\n')) throw malformed('A note is text, an empty line and signature lines, each ended by a newline; this one was cut or is something else.');
  const signatures = lines.slice(0, -1).split('\n');
  if (signatures.length > MAX_SIGNATURES) throw malformed(`A note has at most ${MAX_SIGNATURES} signatures; this one has ${signatures.length}.`);
  return { text: note.slice(0, split + 1), signatures: signatures.map(parseSignature) };
};

/** The note with a log's signature (type 0x01: Ed25519 over the text). */
export const signNote = (text: string, key: SigningKey): SignedNote => {
  if (!text.endsWith('\n')) throw malformed('The text of a note ends in a newline.');
  return { text, signatures: [{ name: key.verifier.name, keyId: key.verifier.keyId, signature: key.sign(Buffer.from(text)) }] };
};

/** The signatures made with a key's name and id; whether they hold is another question. */
export const signaturesBy = (note: SignedNote, key: VerifierKey): NoteSignature[] =>
  note.signatures.filter(({ name, keyId }) => name === key.name && key.keyId.equals(keyId));

/** Whether a log's key signed this text: at least one signature of the key, and every one of them holds. */
export const isSignedBy = (note: SignedNote, key: VerifierKey): boolean => {
  const own = signaturesBy(note, key);
  return own.length > 0 && own.every(({ signature }) => key.verifies(Buffer.from(note.text), signature));
};
