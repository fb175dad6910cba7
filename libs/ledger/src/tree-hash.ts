import { hash } from 'node:crypto';

/** Length of every hash of a ledger in bytes. */
export const HASH_BYTES = 32;

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962, 2.1). */
export const EMPTY_ROOT: Uint8Array = hash('sha256', Buffer.alloc(0), 'buffer');

/** Leaf hash of an entry: SHA-256(0x00 ‖ entry) (RFC 6962, 2.1). */
export const hashLeaf = (entry: Uint8Array): Uint8Array => hash('sha256', Buffer.concat([LEAF, entry]), 'buffer');

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, 2.1). Both are 32 bytes. */
export const hashChildren = (left: Uint8Array, right: Uint8Array): Uint8Array => hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');
