import type { PgLedgerStore } from '@millrace/event-store';
import { consistencyPlan, inclusionPlan, nodesFromTiles, nodesOfPlan, proofOf, tileOf, type LogOrigin, type ProofPlan } from '@millrace/ledger';

/** Reads the few tiles a proof takes, all in one statement. */
const prove = async (store: PgLedgerStore, origin: LogOrigin, plan: ProofPlan): Promise<Uint8Array[]> => {
  const wanted = new Map(nodesOfPlan(plan).map(tileOf).map((tile) => [`${tile.level}/${tile.index}`, tile]));
  const stored = await store.tiles(origin, origin.epoch, [...wanted.values()]);
  const tiles = new Map(stored.map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
  return proofOf(plan, nodesFromTiles(({ level, index }) => tiles.get(`${level}/${index}`) ?? new Uint8Array()));
};

/** From `oldSize` leaves to `size`; empty from 0. Throws `tile-malformed` when a tile is missing. */
export const proveConsistency = (store: PgLedgerStore, origin: LogOrigin, oldSize: number, size: number): Promise<Uint8Array[]> =>
  prove(store, origin, consistencyPlan(oldSize, size));

/** Of the leaf at `index` in the tree of `size` leaves. */
export const proveInclusion = (store: PgLedgerStore, origin: LogOrigin, index: number, size: number): Promise<Uint8Array[]> =>
  prove(store, origin, inclusionPlan(index, size));
