import { DomainError } from '@millrace/kernel';
import { nodesOf, rangeHash, requireTreeSize, splitOf, type LeafRange, type NodeId, type NodeReader } from './tree-range.ts';

/** A proof before its hashes are known: the ranges whose hashes it is made of, in the order of the proof. */
export type ProofPlan = readonly LeafRange[];

const pathOf = (index: number, { begin, end }: LeafRange): LeafRange[] => {
  if (end - begin === 1) return [];
  const middle = begin + splitOf(end - begin);
  return index < middle
    ? [...pathOf(index, { begin, end: middle }), { begin: middle, end }]
    : [...pathOf(index, { begin: middle, end }), { begin, end: middle }];
};

/** The audit path of RFC 6962, 2.1.1 for the leaf at `index` in a tree of `size` leaves. `leaf-outside-tree` when it isn't in it. */
export const inclusionPlan = (index: number, size: number): ProofPlan => {
  requireTreeSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new DomainError('invalid', 'leaf-outside-tree', { index, size }, `A tree of ${size} leaves has none at index ${index}: ask for a proof in a tree that holds it.`);
  }
  return pathOf(index, { begin: 0, end: size });
};

const subproof = (old: number, { begin, end }: LeafRange, known: boolean): LeafRange[] => {
  if (begin + old === end) return known ? [] : [{ begin, end }];
  const split = splitOf(end - begin);
  const middle = begin + split;
  return old <= split
    ? [...subproof(old, { begin, end: middle }, known), { begin: middle, end }]
    : [...subproof(old - split, { begin: middle, end }, false), { begin, end: middle }];
};

/** The consistency proof of RFC 6962, 2.1.2 from `oldSize` to `size` leaves; empty from 0 and from `size`. `tree-shrinks` when old > new. */
export const consistencyPlan = (oldSize: number, size: number): ProofPlan => {
  requireTreeSize(oldSize);
  requireTreeSize(size);
  if (oldSize > size) throw new DomainError('invalid', 'tree-shrinks', { oldSize, size }, `A tree only grows: it can't be proven consistent from ${oldSize} leaves to ${size}.`);
  return oldSize === 0 ? [] : subproof(oldSize, { begin: 0, end: size }, true);
};

/** The complete nodes whose hashes a plan takes: what to fetch before `proofOf`. */
export const nodesOfPlan = (plan: ProofPlan): NodeId[] => plan.flatMap(nodesOf);

/** The proof's hashes. */
export const proofOf = (plan: ProofPlan, node: NodeReader): Uint8Array[] => plan.map((range) => rangeHash(range, node));
