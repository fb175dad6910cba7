import { hash, randomFillSync } from 'node:crypto';

/**
 * The bytes of one event as they are hashed and sent: 00 | envelope | SHA-256(salt | data) | salt (16) | data | fingerprint (32) | leaf (32).
 * Laid out so that both hashes run over contiguous bytes; `append_events` in sql/ cuts frames apart by the two lengths.
 */
export interface EventFrame {
  /** Holds the frame from `offset`, and its neighbours: views are made only of what is asked for. */
  readonly slab: Buffer;
  readonly offset: number;
  readonly envelopeLength: number;
  readonly dataLength: number;
}

const DIGEST = 32;
const SALT = 16;
const FIXED = 1 + DIGEST + SALT + DIGEST + DIGEST;

/** One-shot hash into place: hex text costs less than a Buffer made per digest. */
const hashInto = (target: Buffer, from: number, to: number, at: number): void => {
  target.write(hash('sha256', target.subarray(from, to), 'hex'), at, DIGEST, 'hex');
};

/** Random bytes are drawn for many salts at once; each is used once. */
const POOL = Buffer.allocUnsafe(512 * SALT);
let drawn = POOL.length;
const writeSalt = (target: Buffer, at: number): void => {
  if (drawn === POOL.length) {
    randomFillSync(POOL);
    drawn = 0;
  }
  POOL.copy(target, at, drawn, drawn + SALT);
  drawn += SALT;
};

/** What is framed: `envelope` is its RFC 8785 text, `fingerprint` 64 hex digits. */
export interface FrameSource {
  readonly envelope: string;
  readonly data: Uint8Array;
  readonly fingerprint: string;
}

/** Bytes an event takes framed. */
export const frameLength = (source: FrameSource): number => FIXED + Buffer.byteLength(source.envelope) + source.data.length;

/**
 * Frames an event into `slab` from `offset`, with a fresh salt: the leaf is the RFC 6962 leaf hash
 * SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)).
 */
export const frameEvent = (source: FrameSource, slab: Buffer = Buffer.allocUnsafe(frameLength(source)), offset = 0): EventFrame => {
  const { envelope, data, fingerprint } = source;
  slab[offset] = 0;
  const envelopeLength = slab.write(envelope, offset + 1, 'utf8');
  const digestAt = offset + 1 + envelopeLength;
  const saltAt = digestAt + DIGEST;
  const dataAt = saltAt + SALT;
  const fingerprintAt = dataAt + data.length;
  const leafAt = fingerprintAt + DIGEST;
  writeSalt(slab, saltAt);
  slab.set(data, dataAt);
  hashInto(slab, saltAt, fingerprintAt, digestAt);
  slab.write(fingerprint, fingerprintAt, DIGEST, 'hex');
  hashInto(slab, offset, saltAt, leafAt);
  return { slab, offset, envelopeLength, dataLength: data.length };
};

/** Bytes of a frame. */
export const lengthOf = (frame: EventFrame): number => FIXED + frame.envelopeLength + frame.dataLength;

const fromEnd = (frame: EventFrame, back: number, length: number): Uint8Array => {
  const from = frame.offset + lengthOf(frame) - back;
  return frame.slab.subarray(from, from + length);
};

export const leafOf = (frame: EventFrame): Uint8Array => fromEnd(frame, DIGEST, DIGEST);
export const fingerprintOf = (frame: EventFrame): Uint8Array => fromEnd(frame, 2 * DIGEST, DIGEST);
export const dataOf = (frame: EventFrame): Uint8Array => fromEnd(frame, 2 * DIGEST + frame.dataLength, frame.dataLength);
export const saltOf = (frame: EventFrame): Uint8Array => fromEnd(frame, 2 * DIGEST + frame.dataLength + SALT, SALT);
export const envelopeOf = (frame: EventFrame): Uint8Array => frame.slab.subarray(frame.offset + 1, frame.offset + 1 + frame.envelopeLength);

/** The leaf hash of an event's parts: SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)), for whoever verifies what was stored. */
export const leafHash = (envelope: Uint8Array, salt: Uint8Array, data: Uint8Array): Uint8Array => {
  const body = hash('sha256', Buffer.concat([salt, data]), 'buffer');
  return hash('sha256', Buffer.concat([Buffer.of(0), envelope, body]), 'buffer');
};
