import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { DomainError, type Json } from '@millrace/kernel';
import type { DataKey } from './subject-keys.ts';

/** What surrounds a sealed field: whose it is, which key opens it, and where it stood when it was sealed. */
export interface SealedBox {
  /** `sub_` + 32 hex digits */
  readonly subject: string;
  readonly purpose: string;
  readonly epoch: number;
  /** JSON pointer of the field at the time of sealing; upcasters may move the value, never this. */
  readonly path: string;
  readonly typeVersion: number;
  /** base64url of iv(12) ‖ ciphertext ‖ tag(16) */
  readonly box: string;
}

/** A personal field as it stands in stored data. */
export interface SealedValue {
  readonly $sealed: SealedBox;
}

/** The place a value is bound to: AES-GCM's additional data, so that a sealed value copied to another event or field does not open. */
export interface SealedPlace {
  readonly eventId: string;
  readonly path: string;
  readonly typeVersion: number;
}

const IV_BYTES = 12;
// GCM accepts tags down to 4 bytes unless told: a truncated tag is a forgery made cheap.
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';

/** RFC 8785 of `{"id","path","typeVersion"}`: JSON.stringify is that form for well-formed strings and integers in sorted order. */
const additionalData = (place: SealedPlace): Buffer => {
  if (!place.eventId.isWellFormed() || !place.path.isWellFormed() || !Number.isSafeInteger(place.typeVersion)) {
    throw new DomainError('invalid', 'sealed-place-malformed', { typeVersion: String(place.typeVersion) }, 'A sealed value is bound to a well-formed event id and path and an integer type version.');
  }
  return Buffer.from(JSON.stringify({ id: place.eventId, path: place.path, typeVersion: place.typeVersion }));
};

const checkKey = (key: Uint8Array): void => {
  if (key.length !== KEY_BYTES) throw new DomainError('invalid', 'data-key-malformed', { bytes: key.length }, `A data key has ${KEY_BYTES} bytes; got ${key.length}.`);
};

/** Random bytes are drawn for many IVs at once, since a draw costs as much as a cipher; each is used once. */
const IVS = Buffer.allocUnsafe(512 * IV_BYTES);
let ivsDrawn = IVS.length;
const freshIv = (): Buffer => {
  if (ivsDrawn === IVS.length) {
    randomFillSync(IVS);
    ivsDrawn = 0;
  }
  ivsDrawn += IV_BYTES;
  return IVS.subarray(ivsDrawn - IV_BYTES, ivsDrawn);
};

const sealWith = (key: Uint8Array, plain: Uint8Array | string, aad: Uint8Array): Buffer => {
  checkKey(key);
  const iv = freshIv();
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const text = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  // GCM is a stream cipher: there is nothing left to come out at the end.
  cipher.final();
  const box = Buffer.allocUnsafe(IV_BYTES + text.length + TAG_BYTES);
  box.set(iv);
  box.set(text, IV_BYTES);
  box.set(cipher.getAuthTag(), IV_BYTES + text.length);
  return box;
};

/** iv ‖ ciphertext ‖ tag under AES-256-GCM with a fresh random IV; at most 2^32 times per key (NIST SP 800-38D). */
export const sealBytes = (key: Uint8Array, plain: Uint8Array, aad: Uint8Array): Buffer => sealWith(key, plain, aad);

/** Inverse of sealBytes. Anything altered, cut or bound to another `aad` is DomainError `invalid` (`sealed-value-damaged`). */
export const openBytes = (key: Uint8Array, box: Uint8Array, aad: Uint8Array): Buffer => {
  checkKey(key);
  if (box.length < IV_BYTES + TAG_BYTES) throw damaged();
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  const plain = decipher.update(box.subarray(IV_BYTES, box.length - TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // OpenSSL says only that the tag doesn't fit; the caller needs the kind.
    throw damaged();
  }
};

const damaged = (): DomainError =>
  new DomainError('invalid', 'sealed-value-damaged', {}, 'The sealed value was altered, cut, moved to another event or field, or belongs to another key; take it from the log again.');

/**
 * Seals one JSON value under a subject's data key, bound to its place. Not deterministic: the same value sealed twice differs.
 * `undefined` has no JSON form and is refused by its type.
 */
export const sealField = (value: Json, subject: string, key: DataKey, place: SealedPlace): SealedValue => {
  const box = sealWith(key.key, JSON.stringify(value), additionalData(place));
  return { $sealed: { subject, purpose: key.purpose, epoch: key.epoch, path: place.path, typeVersion: place.typeVersion, box: box.toString('base64url') } };
};

/**
 * Opens a sealed value of event `eventId`. DomainError `invalid`: `sealed-value-damaged`, or `data-key-mismatch` when the key is of
 * another purpose or epoch than the value names.
 */
export const openField = (sealed: SealedValue, eventId: string, key: DataKey): Json => {
  const { purpose, epoch, path, typeVersion, box } = sealed.$sealed;
  if (key.purpose !== purpose || key.epoch !== epoch) {
    throw new DomainError('invalid', 'data-key-mismatch', { expected: `${purpose}/${epoch}`, got: `${key.purpose}/${key.epoch}` }, `The value was sealed for ${purpose}, epoch ${epoch}; ask for that key.`);
  }
  const bytes = Buffer.from(box, 'base64url');
  // Node's decoder skips what is not base64url; two texts for one box would make stored bytes malleable.
  if (bytes.toString('base64url') !== box) throw damaged();
  return JSON.parse(openBytes(key.key, bytes, additionalData({ eventId, path, typeVersion })).toString()) as Json;
};

const hasOnly = (value: object, names: readonly string[]): boolean => {
  const keys = Object.keys(value);
  return keys.length === names.length && names.every((name) => Object.hasOwn(value, name));
};

const BOX_MEMBERS = ['subject', 'purpose', 'epoch', 'path', 'typeVersion', 'box'] as const;

/** Whether a value has the exact form of a sealed one; says nothing about who sealed it (only opening does). */
export const isSealed = (value: unknown): value is SealedValue => {
  if (typeof value !== 'object' || value === null || !hasOnly(value, ['$sealed'])) return false;
  const { $sealed: inner } = value as { $sealed: unknown };
  if (typeof inner !== 'object' || inner === null || !hasOnly(inner, BOX_MEMBERS)) return false;
  const box = inner as Record<(typeof BOX_MEMBERS)[number], unknown>;
  return typeof box.subject === 'string' && typeof box.purpose === 'string' && typeof box.path === 'string' && typeof box.box === 'string'
    && Number.isSafeInteger(box.epoch) && Number.isSafeInteger(box.typeVersion);
};
