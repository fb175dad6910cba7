import type { PgLedgerStore, StoredCheckpoint } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { formatOrigin, openCheckpoint, parseOrigin, type LogOrigin, type TrustedKeys, type VerifiedCheckpoint } from '@millrace/ledger';
import type { Finding } from './finding.ts';

/** What a log is held against: the last cosigned tree of its newest epoch, and of the epochs before. */
export interface Anchor {
  readonly origin: LogOrigin;
  readonly checkpoint: VerifiedCheckpoint;
  /** Last cosigned trees of earlier epochs. */
  readonly earlier: readonly VerifiedCheckpoint[];
  readonly witness: 'heard' | 'not heard';
}

const isOf = (log: LogKey, origin: LogOrigin): boolean => origin.tenant === log.tenant && origin.context === log.context && origin.shard === log.shard;

const opened = (note: string, keys: TrustedKeys): VerifiedCheckpoint | undefined => {
  try {
    return openCheckpoint(note, keys);
  } catch {
    return undefined; // not signed by whom we trust: nothing
  }
};

/** Of each epoch of a log the largest tree that these notes hold with signatures we trust, the newest epoch first. */
export const newestByEpoch = (log: LogKey, notes: readonly string[], keys: TrustedKeys): VerifiedCheckpoint[] => {
  const byEpoch = new Map<number, VerifiedCheckpoint>();
  for (const note of notes) {
    const checkpoint = opened(note, keys);
    const origin = checkpoint && parseOrigin(checkpoint.origin);
    if (!checkpoint || !origin || !isOf(log, origin)) continue;
    if (checkpoint.size > (byEpoch.get(origin.epoch)?.size ?? 0)) byEpoch.set(origin.epoch, checkpoint);
  }
  return [...byEpoch].toSorted(([one], [other]) => other - one).map(([, checkpoint]) => checkpoint);
};

/**
 * The witness's memory is believed before the database's, which whoever alters the log may have cut to an older checkpoint. Without the
 * witness what the database has is taken, when its signatures hold, and said so. Undefined when nothing of the log was ever cosigned.
 */
export const findAnchor = async (store: PgLedgerStore, log: LogKey, keys: Required<TrustedKeys>, witnessed: readonly string[] | undefined): Promise<Anchor | undefined> => {
  const stored = (await store.cosignedByEpoch(log)).map(({ note }) => note);
  const [checkpoint, ...earlier] = newestByEpoch(log, [...(witnessed ?? []), ...stored], keys);
  const origin = checkpoint && parseOrigin(checkpoint.origin);
  return checkpoint === undefined || origin === undefined ? undefined : { origin, checkpoint, earlier, witness: witnessed === undefined ? 'not heard' : 'heard' };
};

const faultOf = (stored: StoredCheckpoint, origin: LogOrigin, keys: Required<TrustedKeys>): string | undefined => {
  try {
    const checkpoint = openCheckpoint(stored.note, stored.cosigned ? keys : { log: keys.log });
    const agrees = checkpoint.origin === formatOrigin(origin) && checkpoint.size === stored.size && Buffer.compare(checkpoint.root, stored.root) === 0;
    return agrees ? undefined : 'its columns contradict its note';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** Stored checkpoints that don't hold, and the want of those the witness knows. */
export const checkStoredCheckpoints = async (store: PgLedgerStore, { origin, checkpoint }: Anchor, keys: Required<TrustedKeys>): Promise<Finding[]> => {
  const stored = await store.checkpoints(origin, origin.epoch);
  const faults = stored.flatMap((one): Finding[] => {
    const fault = faultOf(one, origin, keys);
    return fault === undefined ? [] : [{ kind: 'checkpoint', position: one.size, what: `the stored checkpoint at ${one.size}: ${fault}` }];
  });
  const reached = Math.max(0, ...stored.map(({ size }) => size));
  const cut: Finding[] = reached >= checkpoint.size ? [] : [{ kind: 'checkpoint', position: reached + 1, through: checkpoint.size, what: `the witness has cosigned ${checkpoint.size} leaves, the stored ledger ends at ${reached}` }];
  return [...faults, ...cut];
};
