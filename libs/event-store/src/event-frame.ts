import { hash, randomFillSync } from 'node:crypto';

/**
 * The bytes of one event as they are hashed and sent: 00 | envelope | SHA-256(salt | data) | salt (16) | data | fingerprint (32) | leaf (32).
 * Laid out so that both hashes run over contiguous bytes; `append_events` in sql/ cuts frames apart by the two lengths.
 */
export interface EventFrame {
  readonly bytes: Uint8Array;
  readonly envelopeLength: number;
  readonly dataLength: number;
}

const FIXED = 1 + 32 + 16 + 32 + 32;
const DIGEST = 32;
const SALT = 16;

/** One-shot hash into place: hex text costs less than a Buffer made per digest. */
const hashInto = (target: Buffer, from: number, to: number, at: number): void => {
  target.write(hash('sha256', target.subarray(from, to), 'hex'), at, DIGEST, 'hex');
};

/**
 * Frames an event: the leaf is the RFC 6962 leaf hash SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)). `fingerprint` is 64 hex digits.
 * Without `salt`, 16 random bytes are drawn.
 */
export const frameEvent = (envelope: string, data: Uint8Array, fingerprint: string, salt?: Uint8Array): EventFrame => {
  const envelopeLength = Buffer.byteLength(envelope);
  const bytes = Buffer.allocUnsafe(FIXED + envelopeLength + data.length);
  const digestAt = 1 + envelopeLength;
  const saltAt = digestAt + DIGEST;
  const dataAt = saltAt + SALT;
  const fingerprintAt = dataAt + data.length;
  bytes[0] = 0;
  bytes.write(envelope, 1, 'utf8');
  if (salt === undefined) randomFillSync(bytes, saltAt, SALT);
  else bytes.set(salt, saltAt);
  bytes.set(data, dataAt);
  hashInto(bytes, saltAt, fingerprintAt, digestAt);
  bytes.write(fingerprint, fingerprintAt, DIGEST, 'hex');
  hashInto(bytes, 0, saltAt, fingerprintAt + DIGEST);
  return { bytes, envelopeLength, dataLength: data.length };
};

/** The parts of a frame, as views on its bytes. */
export const openFrame = (frame: EventFrame): { envelope: Uint8Array; salt: Uint8Array; data: Uint8Array; fingerprint: Uint8Array; leaf: Uint8Array } => {
  const { bytes, envelopeLength, dataLength } = frame;
  const saltAt = 1 + envelopeLength + DIGEST;
  const dataAt = saltAt + SALT;
  const fingerprintAt = dataAt + dataLength;
  return {
    envelope: bytes.subarray(1, 1 + envelopeLength),
    salt: bytes.subarray(saltAt, dataAt),
    data: bytes.subarray(dataAt, fingerprintAt),
    fingerprint: bytes.subarray(fingerprintAt, fingerprintAt + DIGEST),
    leaf: bytes.subarray(fingerprintAt + DIGEST),
  };
};

/** The leaf hash of an event's parts: SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)), for whoever verifies what was stored. */
export const leafHash = (envelope: Uint8Array, salt: Uint8Array, data: Uint8Array): Uint8Array => {
  const body = hash('sha256', Buffer.concat([salt, data]), 'buffer');
  return hash('sha256', Buffer.concat([Buffer.of(0), envelope, body]), 'buffer');
};
