import { EMPTY_ROOT, hashChildren } from './tree-hash.ts';

const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** Of the form RFC 6962 gives every node: begins at a multiple of the power of two that covers it. */
const isSubtree = (start: number, end: number): boolean => {
  let cover = 1;
  while (cover < end - start) cover *= 2;
  return start % cover === 0;
};

/** Three node numbers of one level: of the subtree's first and last leaf, and of the tree's last. */
class Climb {
  constructor(private first: number, private last: number, private treeLast: number) {
    // What lies inside the subtree needs no proof: at the tree's right edge all of it, elsewhere the node its last leaf completes.
    while (this.first !== this.last && (this.last === this.treeLast || isOdd(this.last))) this.up();
  }

  private up(): void {
    [this.first, this.last, this.treeLast] = [half(this.first), half(this.last), half(this.treeLast)];
  }

  get isOneNode(): boolean {
    return this.first === this.last;
  }

  get isAtRoot(): boolean {
    return this.treeLast === 0;
  }

  /** Goes up over one sibling: on which side it stands, and whether it belongs to the subtree. */
  step(): { left: boolean; inside: boolean } {
    const left = isOdd(this.last) || this.last === this.treeLast;
    const inside = this.first < this.last;
    if (left) while (!isOdd(this.last)) this.up();
    this.up();
    return { left, inside };
  }
}

/**
 * Whether the leaves from `start` to `end`, hashed as a tree of their own, stand at those places in a tree of `size` leaves: true only
 * when the proof leads from both to their roots exactly. Inclusion (one leaf) and consistency (from leaf 0) are its special cases
 * (RFC 9162, 2.1.3.2 and 2.1.4.2; in this form draft-ietf-plants-merkle-tree-certs, 4.4.3). Never throws.
 */
export const verifySubtree = (start: number, end: number, size: number, subtree: Uint8Array, root: Uint8Array, proof: readonly Uint8Array[]): boolean => {
  if (![start, end, size].every(isSize) || start > end || end > size || !isSubtree(start, end)) return false;
  // No leaves at all stand anywhere.
  if (start === end) return proof.length === 0 && same(subtree, EMPTY_ROOT);
  const climb = new Climb(start, end - 1, size - 1);
  const [seed, ...rest] = climb.isOneNode ? [subtree, ...proof] : proof;
  if (seed === undefined) return false;
  let [inner, outer] = [seed, seed];
  for (const sibling of rest) {
    if (climb.isAtRoot) return false;
    const { left, inside } = climb.step();
    if (left && inside) inner = hashChildren(sibling, inner);
    outer = left ? hashChildren(sibling, outer) : hashChildren(outer, sibling);
  }
  return climb.isAtRoot && same(inner, subtree) && same(outer, root);
};

/** Whether a leaf hash stands at `index` of the tree with this size and root. */
export const verifyInclusion = (index: number, size: number, leaf: Uint8Array, root: Uint8Array, proof: readonly Uint8Array[]): boolean =>
  verifySubtree(index, index + 1, size, leaf, root, proof);

/**
 * Whether the tree of `oldSize` leaves is the beginning of the one of `size`. False from 0 leaves: everything begins with nothing, so
 * there is nothing to prove and no root to hold on to; who takes 0 as an old size knows that without a proof.
 */
export const verifyConsistency = (oldSize: number, size: number, oldRoot: Uint8Array, root: Uint8Array, proof: readonly Uint8Array[]): boolean => {
  if (oldSize === 0) return false;
  if (oldSize === size) return isSize(size) && proof.length === 0 && same(oldRoot, root);
  return verifySubtree(0, oldSize, size, oldRoot, root, proof);
};
