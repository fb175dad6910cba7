import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, type LogKey } from '@millrace/kernel';
import { decodeBase64, encodeBase64, formatOrigin, parseOrigin, type LogOrigin } from '@millrace/ledger';
import { z } from 'zod';

/** The last tree of an origin that this witness cosigned. */
export interface WitnessedTree {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The note with log's and witness's signatures. */
  readonly note: string;
}

const kept = z.strictObject({ origin: z.string(), size: z.number().int().positive(), root: z.string(), note: z.string() });
const fileOf = ({ tenant, context, shard, epoch }: LogOrigin): string => `${tenant}.${context}.${shard}.${epoch}.json`;
const isSameLog = (one: LogKey, other: LogKey): boolean => one.tenant === other.tenant && one.context === other.context && one.shard === other.shard;

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try { await handle.sync(); } finally { await handle.close(); }
};

/**
 * What a witness remembers, one small file per origin. A tree is on disk (file and folder fsynced) before `keep` resolves: what was
 * answered is never forgotten, also not by kill -9 or a power cut. One process at a time owns the folder.
 */
export class WitnessState {
  private readonly trees = new Map<string, WitnessedTree>();

  private constructor(private readonly folder: string) {}

  /** Reads what is there. A file that can't be read stops the start (`witness-state-malformed`): a witness that forgets is none. */
  static async open(folder: string): Promise<WitnessState> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const state = new WitnessState(folder);
    for (const name of await readdir(folder)) {
      if (name.endsWith('.json')) state.remember(name, await readFile(join(folder, name), 'utf8'));
    }
    return state;
  }

  private remember(name: string, text: string): void {
    let tree: z.infer<typeof kept>;
    try {
      tree = kept.parse(JSON.parse(text));
    } catch (error) {
      throw new DomainError('invalid', 'witness-state-malformed', { file: name }, `The witness's memory ${name} can't be read (${error instanceof Error ? error.name : 'fault'}): restore it from a backup; without it old trees could be cosigned anew.`);
    }
    const root = decodeBase64(tree.root);
    const origin = parseOrigin(tree.origin);
    if (root?.length !== 32 || origin === undefined || fileOf(origin) !== name) throw new DomainError('invalid', 'witness-state-malformed', { file: name }, `The witness's memory ${name} contradicts itself: restore it from a backup.`);
    this.trees.set(tree.origin, { ...tree, root });
  }

  last(origin: string): WitnessedTree | undefined {
    return this.trees.get(origin);
  }

  /** The newest epoch of this log that was ever cosigned. */
  newestEpoch(log: LogKey): { epoch: number; tree: WitnessedTree } | undefined {
    let newest: { epoch: number; tree: WitnessedTree } | undefined;
    for (const tree of this.trees.values()) {
      const origin = parseOrigin(tree.origin);
      if (origin && isSameLog(origin, log) && origin.epoch > (newest?.epoch ?? 0)) newest = { epoch: origin.epoch, tree };
    }
    return newest;
  }

  all(): WitnessedTree[] {
    return [...this.trees.values()];
  }

  async keep(log: LogOrigin, tree: WitnessedTree): Promise<void> {
    const path = join(this.folder, fileOf(log));
    const file = await open(`${path}.tmp`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ ...tree, root: encodeBase64(tree.root), origin: formatOrigin(log) }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    await syncFolder(this.folder);
    this.trees.set(tree.origin, tree);
  }
}
