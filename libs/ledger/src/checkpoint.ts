import { DomainError } from '@millrace/kernel';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { cosignedAt } from './cosignature.ts';
import type { VerifierKey } from './note-key.ts';
import { isSignedBy, parseNote, type SignedNote } from './signed-note.ts';
import { HASH_BYTES } from './tree-hash.ts';

/** What a log says of itself at one size (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Names log and epoch: no two logs share it. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

const malformed = (message: string): DomainError => new DomainError('invalid', 'checkpoint-malformed', {}, message);

/** The note's text. */
export const formatCheckpoint = ({ origin, size, root, extensions }: Checkpoint): string => {
  if ([origin, ...extensions].some((line) => line === '' || line.includes('\n'))) throw malformed('The lines of a checkpoint are neither empty nor broken.');
  return `${[origin, String(size), encodeBase64(root), ...extensions].join('\n')}\n`;
};

/** Reads a note's text; throws `checkpoint-malformed`. */
export const parseCheckpoint = (text: string): Checkpoint => {
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.split('\n');
  const root = decodeBase64(rootText);
  const size = Number(sizeText);
  const extensions = rest.slice(0, -1);
  if (rest.at(-1) !== '' || origin === '' || extensions.includes('')) throw malformed('A checkpoint is three lines or more: origin, tree size, root hash; none of them empty. This one is not.');
  if (!/^(0|[1-9]\d{0,15})$/.test(sizeText) || !Number.isSafeInteger(size)) throw malformed(`A checkpoint's second line is the tree's size in decimal; got "${sizeText.slice(0, 40)}".`);
  if (root?.length !== HASH_BYTES) throw malformed("A checkpoint's third line is the root hash in base64: 32 bytes. This one is not.");
  return { origin, size, root, extensions };
};

/** Whose signatures count. */
export interface TrustedKeys {
  readonly log: VerifierKey;
  /** Absent: cosignatures are neither asked for nor looked at. */
  readonly witness?: VerifierKey;
}

/** A checkpoint whose signatures hold. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
  /** When the witness saw it; absent without a witness's key. */
  readonly cosignedAt?: Date;
}

/**
 * Opens a checkpoint with the keys one trusts. Throws `note-malformed`, `checkpoint-malformed`, `checkpoint-not-signed` (not by this log's
 * key) or `checkpoint-not-cosigned` (not by this witness's).
 */
export const openCheckpoint = (text: string, { log, witness }: TrustedKeys): VerifiedCheckpoint => {
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note.text);
  if (!isSignedBy(note, log)) {
    throw new DomainError('forbidden', 'checkpoint-not-signed', { size: checkpoint.size }, `The checkpoint of ${checkpoint.origin} at ${checkpoint.size} is not signed with ${log.name}+${log.keyId.toString('hex')}: it was made with another key, or changed.`);
  }
  if (witness === undefined) return { ...checkpoint, note };
  const time = cosignedAt(note, witness);
  if (time === undefined) {
    throw new DomainError('forbidden', 'checkpoint-not-cosigned', { size: checkpoint.size }, `The checkpoint of ${checkpoint.origin} at ${checkpoint.size} is not cosigned by ${witness.name}+${witness.keyId.toString('hex')}: take one the witness has seen.`);
  }
  return { ...checkpoint, note, cosignedAt: time };
};
