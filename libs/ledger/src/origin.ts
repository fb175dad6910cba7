import { DomainError, isContext, type Epoch, type LogKey } from '@millrace/kernel';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Checkpoint } from './checkpoint.ts';
import { HASH_BYTES } from './tree-hash.ts';

/** Which log, and which of its epochs, a checkpoint speaks of. */
export interface LogOrigin extends LogKey {
  readonly epoch: Epoch;
}

/** Names of the two keys of an installation. One signs all its logs: the origin, which is signed along, tells them apart. */
export const LOG_KEY_NAME = 'millrace/ledger';
export const WITNESS_KEY_NAME = 'millrace/witness';

/** `millrace/<tenant>/<context>/<shard>/<epoch>` */
export const formatOrigin = ({ tenant, context, shard, epoch }: LogOrigin): string => `millrace/${tenant}/${context}/${shard}/${epoch}`;

/** Undefined for what is not of that form. */
export const parseOrigin = (origin: string): LogOrigin | undefined => {
  const [, tenant, context = '', shard, epoch] = /^millrace\/([a-z0-9-]{1,32})\/([a-z0-9-]{1,32})\/(0|[1-9]\d{0,3})\/([1-9]\d{0,14})$/.exec(origin) ?? [];
  return tenant === undefined || !isContext(context) ? undefined : { tenant, context, shard: Number(shard), epoch: Number(epoch) };
};

const EXTENDS = /^extends (\S+) ([1-9]\d{0,15}) (\S+)$/;

/** The line by which the first checkpoints of a new epoch name the last cosigned one of the old. */
export const formatExtension = ({ origin, size, root }: Pick<Checkpoint, 'origin' | 'size' | 'root'>): string => `extends ${origin} ${size} ${encodeBase64(root)}`;

/** What a checkpoint says it comes after; undefined when it names nothing. Throws `checkpoint-malformed` for a line that says it badly. */
export const extensionOf = (checkpoint: Checkpoint): Pick<Checkpoint, 'origin' | 'size' | 'root'> | undefined => {
  const line = checkpoint.extensions.find((one) => one.startsWith('extends '));
  if (line === undefined) return undefined;
  const [, origin = '', size = '', encoded = ''] = EXTENDS.exec(line) ?? [];
  const root = decodeBase64(encoded);
  if (root?.length === HASH_BYTES && parseOrigin(origin) !== undefined) return { origin, size: Number(size), root };
  throw new DomainError('invalid', 'checkpoint-malformed', {}, 'A checkpoint\'s "extends" line names origin, size and root of the last cosigned checkpoint of an earlier epoch; this one does not.');
};
