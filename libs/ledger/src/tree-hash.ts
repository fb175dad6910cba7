import { hash } from 'node:crypto';

/** Length of every hash of a ledger in bytes. */
export const HASH_BYTES = 32;

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962, 2.1). */
export const EMPTY_ROOT: Uint8Array = hash('sha256', Buffer.alloc(0), 'buffer');

/** By way of a text of one character a byte: asked for as bytes, a digest costs twice as much. */
const digestOf = (bytes: Uint8Array): Buffer => Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');

/** Leaf hash of an entry: SHA-256(0x00 ‖ entry) (RFC 6962, 2.1). */
export const hashLeaf = (entry: Uint8Array): Uint8Array => digestOf(Buffer.concat([LEAF, entry]));

// Filled and read within one synchronous call.
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE);

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, 2.1). Both are 32 bytes; in a proof from outside they may be others, which prove nothing. */
export const hashChildren = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) return digestOf(Buffer.concat([NODE, left, right]));
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return digestOf(pair);
};

/** Replaces the first 2 × `parents` hashes by the hashes of their parents, in place. */
export const hashParents = (hashes: Buffer, parents: number): void => {
  for (let at = 0; at < parents; at += 1) {
    hashes.copy(pair, 1, 2 * at * HASH_BYTES, 2 * (at + 1) * HASH_BYTES);
    hashes.write(hash('sha256', pair, 'binary'), at * HASH_BYTES, HASH_BYTES, 'latin1');
  }
};
