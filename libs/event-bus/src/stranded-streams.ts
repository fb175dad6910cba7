import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { logName, type Epoch, type LogHead, type LogKey, type LogReader, type Position } from '@millrace/kernel';
import { LogStream } from './jetstream-stream.ts';
import { parseStreamName, streamNameOf } from './subject.ts';

/** A stream the event database doesn't account for: of a log it has not, or of a later epoch than it knows. */
export interface StrandedStream {
  readonly log: LogKey;
  readonly epoch: Epoch;
  readonly end: Position;
  /** The log's head as read afresh; absent when there is no such log. */
  readonly head?: LogHead;
  readonly reason: string;
}

const nameOf = (log: LogKey): string => `${log.tenant} ${logName(log)}`;

/** The newest epoch of each log that has a stream. */
export const newestStreams = async (nc: NatsConnection): Promise<{ log: LogKey; epoch: Epoch }[]> => {
  const newest = new Map<string, { log: LogKey; epoch: Epoch }>();
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  for await (const name of jsm.streams.names()) {
    const parsed = parseStreamName(name);
    if (parsed && parsed.epoch > (newest.get(nameOf(parsed.log))?.epoch ?? 0)) newest.set(nameOf(parsed.log), parsed);
  }
  return [...newest.values()];
};

const strandedStream = async (nc: NatsConnection, reader: LogReader, { log, epoch }: { log: LogKey; epoch: Epoch }): Promise<StrandedStream | undefined> => {
  // Heads were listed before the streams: a log or an epoch made in between must not look like one that was lost.
  const head = await reader.head(log);
  if (head && head.epoch >= epoch) return undefined;
  const end = (await (await LogStream.of(nc, log, epoch)).end())?.position;
  if (end === undefined) return undefined;
  const name = streamNameOf(log, epoch);
  const reason = head
    ? `the stream ${name}, which ends at ${end}, is of a later epoch than the log, which is of epoch ${head.epoch}`
    : `the stream ${name} ends at ${end}, but the event database has no log ${nameOf(log)}`;
  return { log, epoch, end, reason, ...(head ? { head } : {}) };
};

/**
 * Streams left behind by a restore to before their log or their epoch was made. No loop of a relay would come across them: it follows the
 * logs the database has. `heads` is a listing of all logs, however old.
 */
export const strandedStreams = async (nc: NatsConnection, reader: LogReader, heads: readonly LogHead[]): Promise<StrandedStream[]> => {
  const epochs = new Map(heads.map((head) => [nameOf(head), head.epoch]));
  const suspects = (await newestStreams(nc)).filter(({ log, epoch }) => (epochs.get(nameOf(log)) ?? 0) < epoch);
  const found = await Promise.all(suspects.map((suspect) => strandedStream(nc, reader, suspect)));
  return found.filter((one) => one !== undefined);
};
