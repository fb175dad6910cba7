import { isDomainError, logName, type LogHead } from '@millrace/kernel';
import {
  formatCheckpoint, formatExtension, formatNote, formatOrigin, HASH_BYTES, openCheckpoint, parseCheckpoint, parseNote, parseOrigin, signNote, TILE_WIDTH, TileTree,
  type LogOrigin, type SigningKey, type TrustedKeys,
} from '@millrace/ledger';
import type { PgLedgerStore, StoredCheckpoint } from '@millrace/event-store';
import { newestByEpoch } from '../verification/anchor.ts';
import { CosignedTree } from './cosigned-tree.ts';
import type { LeafMirror } from './leaf-mirror.ts';
import { proveConsistency } from './tile-reader.ts';
import type { WitnessClient, WitnessReply } from './witness-client.ts';

export type LedgerState = 'building' | 'waiting' | 'diverged';

/** Where one log's tree stands. */
export interface LedgerStatus {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly head: number;
  /** Leaves in the tree of the last signed checkpoint. */
  readonly size: number;
  /** Leaves in the last tree the witness has cosigned. */
  readonly cosigned: number;
  readonly state: LedgerState;
  /** Why it is diverged or waits, or why it isn't cosigned. */
  readonly reason?: string;
}

export interface LedgerParts {
  readonly store: PgLedgerStore;
  readonly mirror: LeafMirror;
  readonly key: SigningKey;
  readonly witness?: { readonly client: WitnessClient; readonly keys: Required<TrustedKeys> };
  readonly onChange?: (status: LedgerStatus) => void;
}

/** 2 MiB of hashes: read, hashed and written in some 100 ms. */
const PAGE_LEAVES = 65_536;
/** Pages in one turn, before the other logs get theirs. */
const PAGES_A_TURN = 4;
/** A busy log gets a checkpoint this often, not one per batch. */
const CHECKPOINT_EVERY_MS = 500;
const WITNESS_AGAIN_MS = 2_000;
const RECHECK_MS = 5_000;

class Divergence extends Error {}

const sameBytes = (one: Uint8Array, other: Uint8Array | undefined): boolean => other !== undefined && Buffer.compare(one, other) === 0;

/** Builds the tree of one log in one epoch, signs it and has it cosigned. Stops, saying why, when the log is no longer what was signed. */
export class LogLedger {
  private tree: TileTree | undefined;
  private lastLeaf: Uint8Array | undefined;
  private extensions: readonly string[] = [];
  private note: string | undefined;
  private readonly cosigned = new CosignedTree();
  private state: LedgerState = 'waiting';
  private reason: string | undefined;
  private grewAt = 0;
  private checkedAt = 0;

  constructor(private head: LogHead, private readonly parts: LedgerParts) {}

  private get origin(): LogOrigin {
    const { tenant, context, shard, epoch } = this.head;
    return { tenant, context, shard, epoch };
  }

  status(): LedgerStatus {
    const { tenant, epoch, position } = this.head;
    return {
      tenant, log: logName(this.head), epoch, head: position, size: this.tree?.size ?? 0, cosigned: this.cosigned.size, state: this.state,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    };
  }

  /** One turn: some pages of growth and a word with the witness. True when there is more to do at once. */
  async turn(head: LogHead): Promise<boolean> {
    if (this.state === 'diverged' && performance.now() - this.checkedAt < RECHECK_MS) return false;
    this.head = head;
    this.checkedAt = performance.now();
    try {
      const tree = this.tree ?? await this.load();
      if (head.position < tree.size) throw new Divergence(`the log ends at ${head.position}, its signed tree holds ${tree.size} leaves`);
      const more = await this.grow(tree);
      await this.askWitness(tree);
      return more;
    } catch (error) {
      this.tree = undefined; // what was not stored is not known: the next turn begins from what is
      if (error instanceof Divergence) this.become('diverged', error.message);
      else if (isDomainError(error) && error.kind === 'unavailable') this.become('waiting', error.code);
      else if (isDomainError(error) && error.code === 'ledger-moved') return true;
      else if (isDomainError(error)) this.become('diverged', error.message);
      else throw error;
      return false;
    }
  }

  private async load(): Promise<TileTree> {
    const { store } = this.parts;
    const { epoch } = this.head;
    const stored = await store.lastCheckpoint(this.head, epoch);
    const epochs = await store.cosignedByEpoch(this.head);
    this.cosigned.is(epochs.find((one) => one.epoch === epoch)?.size ?? 0);
    this.extensions = this.cosigned.size > 0 ? [] : await this.extensionAfter(epochs.filter((one) => one.epoch < epoch));
    const tree = stored === undefined ? new TileTree() : await this.resume(stored);
    // A first checkpoint that was signed while the witness was away may name another one than the witness knows: it is signed anew.
    if (stored?.cosigned === false) this.note = this.cosigned.size > 0 ? stored.note : this.signed(tree);
    else this.note = undefined;
    await this.fillMirror(tree.size);
    this.tree = tree;
    return tree;
  }

  /**
   * Names the last cosigned tree of the epochs before. The witness is believed before the database, which may be an older copy put back: it
   * may have cosigned more than the copy knows of, and takes nothing that passes over it.
   */
  private async extensionAfter(older: readonly StoredCheckpoint[]): Promise<string[]> {
    const { witness } = this.parts;
    const witnessed = await witness?.client.checkpoints();
    const [last] = witness === undefined || witnessed === undefined
      ? older.map(({ note }) => parseCheckpoint(parseNote(note).text))
      : newestByEpoch(this.head, [...witnessed, ...older.map(({ note }) => note)], witness.keys).filter(({ origin }) => (parseOrigin(origin)?.epoch ?? 0) < this.head.epoch);
    return last === undefined ? [] : [formatExtension(last)];
  }

  private signed(tree: TileTree): string {
    return formatNote(signNote(formatCheckpoint({ origin: formatOrigin(this.origin), size: tree.size, root: tree.root(), extensions: this.extensions }), this.parts.key));
  }

  private async resume(stored: StoredCheckpoint): Promise<TileTree> {
    const checkpoint = openCheckpoint(stored.note, { log: this.parts.key.verifier });
    const { size } = checkpoint;
    if (checkpoint.origin !== formatOrigin(this.origin) || size !== stored.size) throw new Divergence(`the stored checkpoint of ${stored.size} leaves speaks of ${checkpoint.origin} at ${size}`);
    const last = { level: 0, index: Math.floor((size - 1) / TILE_WIDTH) };
    const tiles = await this.parts.store.tiles(this.head, this.head.epoch, [...TileTree.edgeOf(size), last]);
    const tree = TileTree.resume(size, tiles);
    if (!sameBytes(tree.root(), checkpoint.root)) throw new Divergence(`the stored tiles do not give the root that was signed at ${size} leaves`);
    const at = ((size - 1) % TILE_WIDTH) * HASH_BYTES;
    this.lastLeaf = tiles.find(({ level, index }) => level === 0 && index === last.index)?.hashes.subarray(at, at + HASH_BYTES);
    return tree;
  }

  /** After a crash, or with a folder that was lost, what the mirror lacks comes from the tiles. */
  private async fillMirror(size: number): Promise<void> {
    for (let from = await this.parts.mirror.size(this.origin); from < size;) {
      const index = Math.floor(from / TILE_WIDTH);
      const [tile] = await this.parts.store.tiles(this.head, this.head.epoch, [{ level: 0, index }]);
      if (tile === undefined) throw new Divergence(`tile 0/${index} is missing`);
      await this.parts.mirror.write(this.origin, index * TILE_WIDTH, tile.hashes);
      from = index * TILE_WIDTH + tile.hashes.length / HASH_BYTES;
    }
  }

  private async grow(tree: TileTree): Promise<boolean> {
    for (let pages = 0; pages < PAGES_A_TURN; pages += 1) {
      const behind = this.head.position - tree.size;
      if (behind === 0 || (behind < PAGE_LEAVES && performance.now() - this.grewAt < CHECKPOINT_EVERY_MS)) return false;
      this.grewAt = performance.now();
      await this.addPage(tree);
      this.become('building');
    }
    return this.head.position > tree.size;
  }

  private async addPage(tree: TileTree): Promise<void> {
    const from = tree.size;
    const leaves = await this.newLeaves(from);
    const full = tree.append(leaves);
    const tiles = [...full, ...tree.partialTiles()];
    const root = tree.root();
    const note = this.signed(tree);
    await this.parts.mirror.write(this.origin, from, leaves);
    await this.parts.store.extend(this.head, { epoch: this.head.epoch, from, size: tree.size, root, note, tiles });
    this.note = note;
    this.lastLeaf = Uint8Array.from(leaves.subarray(-HASH_BYTES));
  }

  /** The leaves after the tree's, read together with the tree's last one, which must be the same still. */
  private async newLeaves(size: number): Promise<Uint8Array> {
    const overlap = size > 0 ? 1 : 0;
    const page = await this.parts.store.leaves(this.head, size - overlap, Math.min(PAGE_LEAVES, this.head.position - size) + overlap);
    if (page.through !== size - overlap + page.count) throw new Divergence(`positions between ${size - overlap + 1} and ${page.through} are missing`);
    if (page.leaves.length !== page.count * HASH_BYTES) throw new Divergence(`a leaf between ${size + 1} and ${page.through} is not ${HASH_BYTES} bytes long`);
    if (overlap === 1 && !sameBytes(page.leaves.subarray(0, HASH_BYTES), this.lastLeaf)) throw new Divergence(`the event at position ${size} is another one than the one that was signed (leaf differs)`);
    if (page.count <= overlap) throw new Divergence(`the log has no position ${size + 1}, though its head is ${this.head.position}`);
    return page.leaves.subarray(overlap * HASH_BYTES);
  }

  private async askWitness(tree: TileTree): Promise<void> {
    const { witness } = this.parts;
    if (witness === undefined || this.note === undefined || tree.size === this.cosigned.size || !this.cosigned.mayAsk()) return;
    let oldSize = this.cosigned.size;
    for (let tries = 0; tries < 2; tries += 1) {
      const proof = await proveConsistency(this.parts.store, this.origin, oldSize, tree.size);
      const reply = await witness.client.add({ oldSize, proof, checkpoint: this.note });
      if (reply.kind !== 'other-size') return this.take(reply, tree.size, this.note, witness.keys);
      if (reply.size > tree.size || reply.size === oldSize) throw new Divergence(`the witness has cosigned another tree of ${reply.size} leaves than this one of ${tree.size}`);
      oldSize = reply.size;
    }
  }

  private async take(reply: Exclude<WitnessReply, { kind: 'other-size' }>, size: number, note: string, keys: Required<TrustedKeys>): Promise<void> {
    if (reply.kind === 'inconsistent') throw new Divergence(`the witness refuses the tree of ${size} leaves: ${reply.reason}`);
    if (reply.kind !== 'cosigned') return this.notCosigned(`the witness is ${reply.kind}: ${reply.reason}`);
    const unsigned = parseNote(note);
    const cosigned = formatNote({ text: unsigned.text, signatures: [...unsigned.signatures, ...reply.signatures.filter(({ name, keyId }) => name === keys.witness.name && keys.witness.keyId.equals(keyId))] });
    try {
      openCheckpoint(cosigned, keys);
    } catch (error) {
      return this.notCosigned(error instanceof Error ? error.message : 'the witness signed something else');
    }
    await this.parts.store.cosign(this.head, this.head.epoch, size, cosigned);
    this.cosigned.is(size);
    this.extensions = [];
    this.become('building');
  }

  private notCosigned(reason: string): void {
    this.cosigned.pause(WITNESS_AGAIN_MS);
    this.become('building', reason);
  }

  private become(state: LedgerState, reason?: string): void {
    // A checkpoint made while the witness is away doesn't end that.
    const said = state === 'building' && reason === undefined && this.cosigned.isPaused() ? this.reason : reason;
    if (state === this.state && said === this.reason) return;
    this.state = state;
    this.reason = said;
    this.parts.onChange?.(this.status());
  }
}
