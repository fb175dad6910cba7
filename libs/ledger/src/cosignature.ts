import type { SigningKey, VerifierKey } from './note-key.ts';
import { signaturesBy, type NoteSignature, type SignedNote } from './signed-note.ts';

const ED25519_SIGNATURE_BYTES = 64;

const message = (text: string, seconds: bigint): Buffer => Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);

/**
 * A witness's signature (C2SP tlog-cosignature v1): "at this time, the largest consistent tree I have seen of this origin is this one".
 * `time` is cut to seconds.
 */
export const cosign = (text: string, key: SigningKey, time: Date): NoteSignature => {
  const seconds = BigInt(Math.floor(time.getTime() / 1000));
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(seconds);
  return { name: key.verifier.name, keyId: key.verifier.keyId, signature: Buffer.concat([stamp, key.sign(message(text, seconds))]) };
};

const timeOf = (text: string, key: VerifierKey, signature: Uint8Array): Date | undefined => {
  const bytes = Buffer.from(signature);
  if (bytes.length !== 8 + ED25519_SIGNATURE_BYTES) return undefined;
  const seconds = bytes.readBigUInt64BE();
  if (seconds > BigInt(Number.MAX_SAFE_INTEGER) / 1000n) return undefined;
  return key.verifies(message(text, seconds), bytes.subarray(8)) ? new Date(Number(seconds) * 1000) : undefined;
};

/** When the witness saw this checkpoint (the latest of its cosignatures); undefined when it has none here or one of them doesn't hold. */
export const cosignedAt = (note: SignedNote, key: VerifierKey): Date | undefined => {
  const times = signaturesBy(note, key).map(({ signature }) => timeOf(note.text, key, signature));
  const held = times.filter((time) => time !== undefined);
  return held.length < times.length || held.length === 0 ? undefined : new Date(Math.max(...held.map(Number)));
};
