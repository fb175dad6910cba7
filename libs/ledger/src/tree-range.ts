import { DomainError } from '@millrace/kernel';
import { EMPTY_ROOT, hashChildren } from './tree-hash.ts';

/** A node over 2^level leaves, the index-th of its level from the left; only complete nodes have one. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Leaves from `begin` up to, not with, `end`. */
export interface LeafRange {
  readonly begin: number;
  readonly end: number;
}

/** Gives the hash of a complete node; throws when it hasn't got it. */
export type NodeReader = (node: NodeId) => Uint8Array;

/** The greatest power of two below n, for n >= 2: where RFC 6962, 2.1 splits n leaves. Works up to 2^53: no 32-bit operators. */
export const splitOf = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/** Refuses what no tree can have: DomainError `tree-size-malformed`. */
export const requireTreeSize = (size: number): void => {
  if (!Number.isSafeInteger(size) || size < 0) throw new DomainError('invalid', 'tree-size-malformed', {}, `A tree has a whole number of leaves from 0 to 2^53 - 1; got ${size}.`);
};

const levelOf = (width: number): number => Math.round(Math.log2(width));

/**
 * The complete nodes that make up a range whose begin is a multiple of the power of two that covers it (all ranges of RFC 6962 proofs
 * are), from left to right: at most one per level.
 */
export const nodesOf = ({ begin, end }: LeafRange): NodeId[] => {
  const width = end - begin;
  if (width <= 0) return [];
  const split = splitOf(width);
  if (width === 1 || split * 2 === width) return [{ level: levelOf(width), index: begin / width }];
  return [{ level: levelOf(split), index: begin / split }, ...nodesOf({ begin: begin + split, end })];
};

/** The hash of such a range (RFC 6962, 2.1), from its complete nodes. An empty range is the empty tree's root. */
export const rangeHash = (range: LeafRange, node: NodeReader): Uint8Array => {
  const hashes = nodesOf(range).map(node);
  return hashes.reduceRight((right, left, at) => (at === hashes.length - 1 ? left : hashChildren(left, right)), EMPTY_ROOT);
};
