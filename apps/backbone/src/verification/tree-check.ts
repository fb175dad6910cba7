import type { PgLedgerStore } from '@millrace/event-store';
import { HASH_BYTES, TILE_WIDTH, TileTree, type LogOrigin, type Tile } from '@millrace/ledger';
import type { Finding } from './finding.ts';

/** A size at which the tree must have a root, and what is wrong when it hasn't. */
export interface ExpectedRoot {
  readonly size: number;
  readonly root: Uint8Array;
  otherwise(): Finding;
}

const firstDifference = (one: Uint8Array, other: Uint8Array): number => {
  for (let at = 0; at < one.length; at += HASH_BYTES) {
    if (Buffer.compare(one.subarray(at, at + HASH_BYTES), other.subarray(at, at + HASH_BYTES)) !== 0) return at / HASH_BYTES;
  }
  return 0;
};

/** Grows a tree of recomputed leaves beside the stored one: every tile and every expected root on the way is compared. */
export class TreeCheck {
  private readonly tree = new TileTree();
  private readonly roots: ExpectedRoot[];

  constructor(private readonly store: PgLedgerStore, private readonly origin: LogOrigin, private readonly tilesThrough: number, expected: readonly ExpectedRoot[]) {
    this.roots = expected.toSorted((one, other) => one.size - other.size);
  }

  /** Leaves beyond the last expected root are of no use. */
  async append(leaves: Uint8Array): Promise<Finding[]> {
    const findings: Finding[] = [];
    let rest = leaves;
    for (let next = this.roots[0]; next !== undefined && rest.length > 0; next = this.roots[0]) {
      const here = rest.subarray(0, (next.size - this.tree.size) * HASH_BYTES);
      rest = rest.subarray(here.length);
      findings.push(...await this.differences(this.tree.append(here)));
      if (this.tree.size === next.size) findings.push(...this.compareRoot(next));
    }
    return findings;
  }

  private compareRoot(expected: ExpectedRoot): Finding[] {
    this.roots.shift();
    return Buffer.compare(this.tree.root(), expected.root) === 0 ? [] : [expected.otherwise()];
  }

  /** What is left at the end: partial tiles, and roots of a tree larger than the log. */
  async finish(): Promise<Finding[]> {
    return [...await this.differences(this.tree.partialTiles()), ...this.roots.map((one) => one.otherwise())];
  }

  private async differences(tiles: readonly Tile[]): Promise<Finding[]> {
    const checked = tiles.filter(({ level, index }) => index * TILE_WIDTH ** (level + 1) < this.tilesThrough);
    const stored = new Map((await this.store.tiles(this.origin, this.origin.epoch, checked)).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    return checked.flatMap((tile): Finding[] => {
      const found = stored.get(`${tile.level}/${tile.index}`)?.subarray(0, tile.hashes.length);
      if (found !== undefined && Buffer.compare(found, tile.hashes) === 0) return [];
      const width = TILE_WIDTH ** tile.level;
      const first = (tile.index * TILE_WIDTH + (found === undefined ? 0 : firstDifference(tile.hashes, found))) * width;
      return [{ kind: 'tile', position: first + 1, ...(width > 1 ? { through: first + width } : {}), what: `stored tile ${tile.level}/${tile.index} ${found === undefined ? 'is missing' : 'is not that of the events'}` }];
    });
  }
}
