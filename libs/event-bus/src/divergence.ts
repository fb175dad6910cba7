import { logName, type LogHead, type LogKey, type LogMark, type LogReader } from '@millrace/kernel';

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;

/**
 * Compares a kept mark with the log. Undefined: they agree and going on is safe. Otherwise a sentence that says how they differ: the event
 * database was restored or exchanged under its reader, and reading on would mix two histories.
 */
export const divergenceOf = async (reader: LogReader, log: LogKey, mark: LogMark | undefined, head: LogHead | undefined): Promise<string | undefined> => {
  if (!mark || mark.position === 0) return undefined;
  const name = `${log.tenant} ${logName(log)}`;
  if (!head) return `the checkpoint is at position ${mark.position}, but the event database has no log ${name}`;
  if (head.epoch !== mark.epoch) return `the checkpoint is of epoch ${mark.epoch}, the log ${name} is of epoch ${head.epoch}`;
  if (head.position < mark.position) return `the checkpoint is at position ${mark.position}, ahead of the log ${name}, which ends at ${head.position}`;
  const there = await reader.mark(log, mark.position);
  if (!sameBytes(there?.leaf, mark.leaf)) return `the event at position ${mark.position} of the log ${name} is another one than the checkpoint names (leaf differs)`;
  return undefined;
};

/** For a reader that is past its start: the mark's own leaf against the event now at its place. */
export const sameLeaf = sameBytes;
