import { DomainError } from '@millrace/kernel';
import { HASH_BYTES } from './tree-hash.ts';
import { completeRoot, nodesFromTiles, TILE_WIDTH, widthIn, type TileId } from './tile.ts';
import { rangeHash, requireTreeSize } from './tree-range.ts';

/** A tile with its hashes, `width` × 32 bytes. */
export interface Tile extends TileId {
  readonly hashes: Uint8Array;
}

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** The last tile of one level, filling. */
class FillingTile {
  private readonly bytes = Buffer.alloc(TILE_BYTES);
  private width = 0;
  changed = false;

  constructor(readonly level: number, public index: number, hashes: Uint8Array = new Uint8Array()) {
    this.bytes.set(hashes);
    this.width = hashes.length / HASH_BYTES;
  }

  /** Takes as many of the hashes as fit, from `from` on; tells how many. */
  fill(hashes: Uint8Array, from: number): number {
    const taken = Math.min(TILE_WIDTH - this.width, hashes.length / HASH_BYTES - from);
    this.bytes.set(hashes.subarray(from * HASH_BYTES, (from + taken) * HASH_BYTES), this.width * HASH_BYTES);
    this.width += taken;
    this.changed = true;
    return taken;
  }

  /** Gives the full tile away and begins the next. */
  turn(): Tile {
    const full = this.tile();
    this.index += 1;
    this.width = 0;
    this.changed = false;
    return full;
  }

  get isFull(): boolean {
    return this.width === TILE_WIDTH;
  }

  get isEmpty(): boolean {
    return this.width === 0;
  }

  get hashes(): Uint8Array {
    return this.bytes.subarray(0, this.width * HASH_BYTES);
  }

  tile(): Tile {
    return { level: this.level, index: this.index, width: this.width, hashes: Uint8Array.from(this.hashes) };
  }
}

/**
 * A growing tree that holds only the last tile of each level: 8 KiB per 256-fold of its size. Full tiles come out of `append`, the partial
 * ones out of `partialTiles`; whoever keeps both can go on with `resume`. Amortised one hash per leaf.
 */
export class TileTree {
  private readonly levels: FillingTile[] = [];
  private leaves = 0;

  /** The tiles at the right edge of a tree of `size` leaves: what `resume` wants. */
  static edgeOf(size: number): TileId[] {
    requireTreeSize(size);
    const edge: TileId[] = [];
    for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1));
      const width = widthIn(size, level, index);
      if (width > 0) edge.push({ level, index, width });
    }
    return edge;
  }

  /** Goes on where a tree of `size` leaves stood. Every tile of `edgeOf(size)` must be given, with its hashes or more; else `tile-malformed`. */
  static resume(size: number, tiles: readonly Pick<Tile, 'level' | 'index' | 'hashes'>[]): TileTree {
    const tree = new TileTree();
    tree.leaves = size;
    for (const { level, index, width } of TileTree.edgeOf(size)) {
      const found = tiles.find((tile) => tile.level === level && tile.index === index);
      if (found === undefined || found.hashes.length < width * HASH_BYTES) {
        throw new DomainError('invalid', 'tile-malformed', { level, index }, `A tree of ${size} leaves goes on from tile ${level}/${index} with ${width} hashes; it is missing or shorter.`);
      }
      tree.levels[level] = new FillingTile(level, index, found.hashes.subarray(0, width * HASH_BYTES));
    }
    for (let level = 0; TILE_WIDTH ** level <= size; level += 1) tree.levels[level] ??= new FillingTile(level, Math.floor(size / TILE_WIDTH ** (level + 1)));
    return tree;
  }

  get size(): number {
    return this.leaves;
  }

  /** Adds leaf hashes (n × 32 bytes); returns the tiles they filled, each once, lower levels first. */
  append(hashes: Uint8Array): Tile[] {
    if (hashes.length % HASH_BYTES !== 0) throw new DomainError('invalid', 'leaf-hash-malformed', { bytes: hashes.length }, `Leaf hashes are ${HASH_BYTES} bytes each; got ${hashes.length} bytes.`);
    this.leaves += hashes.length / HASH_BYTES;
    return this.fill(0, hashes);
  }

  private fill(level: number, hashes: Uint8Array): Tile[] {
    const full: Tile[] = [];
    const filling = (this.levels[level] ??= new FillingTile(level, 0));
    for (let from = 0; from < hashes.length / HASH_BYTES;) {
      from += filling.fill(hashes, from);
      if (filling.isFull) full.push(filling.turn());
    }
    const roots = full.map((tile) => completeRoot(tile.hashes, 0, TILE_WIDTH));
    return roots.length === 0 ? full : [...full, ...this.fill(level + 1, Buffer.concat(roots))];
  }

  /** The partial tiles that changed since they were last asked for. */
  partialTiles(): Tile[] {
    return this.levels.filter((filling) => filling.changed && !filling.isEmpty).map((filling) => {
      filling.changed = false;
      return filling.tile();
    });
  }

  /** The root over all leaves. */
  root(): Uint8Array {
    return rangeHash({ begin: 0, end: this.leaves }, nodesFromTiles(({ level, index }) => {
      const filling = this.levels[level];
      if (filling?.index === index) return filling.hashes;
      throw new DomainError('invalid', 'tile-malformed', { level, index }, `Tile ${level}/${index} is not at the right edge of the tree.`);
    }));
  }
}
