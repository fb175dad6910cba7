/** Consecutive positions of one log and epoch, both ends included: what one file holds. */
export interface PositionRange {
  readonly first: number;
  readonly last: number;
}

/** A finished file holds the positions of one block: enough rows for Parquet to pay, few enough to rewrite while a block fills. */
export const BLOCK = 10_000;

/** Flushes and publications leave small files; more of them than this in an unfinished block are merged. */
const MOST_FILES_PER_BLOCK = 16;

const blockOf = (position: number): number => Math.floor((position - 1) / BLOCK);
const endOf = (block: number): number => (block + 1) * BLOCK;

/** Cut at the borders of blocks, so that no file ever reaches over one. */
export const splitAtBlocks = ({ first, last }: PositionRange): PositionRange[] => {
  const parts: PositionRange[] = [];
  for (let from = first; from <= last; from = endOf(blockOf(from)) + 1) parts.push({ first: from, last: Math.min(last, endOf(blockOf(from))) });
  return parts;
};

/** Which ranges to rewrite as one file each: finished blocks in more than `mostFinished` files, and unfinished ones in too many. */
export const mergesOf = (files: readonly PositionRange[], mostFinished = 1): PositionRange[] => {
  const blocks = new Map<number, PositionRange[]>();
  for (const file of files) blocks.set(blockOf(file.first), [...(blocks.get(blockOf(file.first)) ?? []), file]);
  return [...blocks].flatMap(([block, parts]) => {
    const range = { first: Math.min(...parts.map((part) => part.first)), last: Math.max(...parts.map((part) => part.last)) };
    const finished = range.last === endOf(block);
    return (finished && parts.length > mostFinished) || parts.length > MOST_FILES_PER_BLOCK ? [range] : [];
  });
};

export const covers = (outer: PositionRange, inner: PositionRange): boolean => outer.first <= inner.first && inner.last <= outer.last;

/** Files to write so that `head` is reached from what exists, and the existing ones they replace. */
export const publicationOf = <File extends PositionRange>(existing: readonly File[], head: number): { readonly write: PositionRange[]; readonly keep: File[]; readonly drop: File[] } => {
  const reached = Math.max(0, ...existing.map((file) => file.last));
  const added = head > reached ? splitAtBlocks({ first: reached + 1, last: head }) : [];
  const merged = mergesOf([...existing, ...added]);
  const replaced = (range: PositionRange): boolean => merged.some((merge) => covers(merge, range));
  return {
    write: [...merged, ...added.filter((range) => !replaced(range))].toSorted((a, b) => a.first - b.first),
    keep: existing.filter((file) => !replaced(file)),
    drop: existing.filter(replaced),
  };
};

/** Padded so that the order of names is the order of positions. */
export const fileNameOf = ({ first, last }: PositionRange): string => `${String(first).padStart(12, '0')}-${String(last).padStart(12, '0')}.parquet`;
