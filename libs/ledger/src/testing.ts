import { EMPTY_ROOT, hashChildren, hashLeaf } from './tree-hash.ts';
import { splitOf } from './tree-range.ts';

// For specs only: the definitions of RFC 6962, 2.1, word for word, over all leaves at hand.

/** MTH */
export const naiveRoot = (leaves: readonly Uint8Array[]): Uint8Array => {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0]!;
  const k = splitOf(leaves.length);
  return hashChildren(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
};

/** PATH */
export const naivePath = (m: number, leaves: readonly Uint8Array[]): Uint8Array[] => {
  if (leaves.length <= 1) return [];
  const k = splitOf(leaves.length);
  return m < k ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))] : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
};

/** SUBPROOF, from PROOF(m, D) = SUBPROOF(m, D, true) */
export const naiveProof = (m: number, leaves: readonly Uint8Array[], known = true): Uint8Array[] => {
  if (m === leaves.length) return known ? [] : [naiveRoot(leaves)];
  const k = splitOf(leaves.length);
  return m <= k ? [...naiveProof(m, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))] : [...naiveProof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
};

/** Leaf hashes of the entries "0", "1", … */
export const sampleLeaves = (count: number, salt = ''): Uint8Array[] => Array.from({ length: count }, (_, n) => hashLeaf(Buffer.from(`${salt}${n}`)));
