import type { Database } from './database.ts';

/** What keeps dead rows from being removed: appends stay fast beside it, but the files grow. */
export interface OldestSnapshot {
  /** Age of the oldest transaction that holds a snapshot or has written; 0 when there is none. */
  readonly snapshotSeconds: number;
  /** Age of the oldest transaction of any kind. */
  readonly transactionSeconds: number;
  /** How many snapshots are held. */
  readonly snapshots: number;
  /** False when the database doesn't let the schema's owner see other roles' sessions: then these are its own only. */
  readonly complete: boolean;
}

/** For the relaying service only. Says nothing of whose they are. */
export const oldestSnapshot = async (database: Database): Promise<OldestSnapshot> => {
  const [row] = await database.query<{ snapshot_seconds: number; transaction_seconds: number; snapshots: number; complete: boolean }>({
    name: 'oldest-snapshot', text: 'SELECT snapshot_seconds, transaction_seconds, snapshots, complete FROM millrace.oldest_snapshot()',
  });
  return { snapshotSeconds: row!.snapshot_seconds, transactionSeconds: row!.transaction_seconds, snapshots: row!.snapshots, complete: row!.complete };
};
