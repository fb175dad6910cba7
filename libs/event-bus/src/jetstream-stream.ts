import { JetStreamApiError, jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { nuid, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { LogKey, LogMark, Position } from '@millrace/kernel';
import { claimedLeaf, encodeHeaders, encodePayload, type RoutedEvent } from './message.ts';
import { eventSubject, streamNameOf } from './subject.ts';
import { logStreamConfig, MESSAGE_FORM, type StreamLimits } from './topology.ts';

/** JetStream's `wrong last sequence`: somebody else has written meanwhile. */
const WRONG_LAST_SEQUENCE = 10071;
const STREAM_NOT_FOUND = 10059;

/** Longer than a local fsync takes on a busy disk; when it passes, the stream's own last sequence tells what happened. */
const COMMIT_TIMEOUT_MS = 5_000;

export interface StreamEnd {
  /** Sequence of the last message ever stored, which is the position of its event; 0 for an empty stream that starts at 1. */
  readonly position: Position;
  /** Leaf of the last message; absent when the stream holds none (empty, or all aged out). */
  readonly leaf?: Uint8Array;
  /** Its messages are in the form of another Millrace: their leaves can't be told. */
  readonly otherForm?: true;
}

/** `committed`: the whole batch is in. `refused`: the stream does not end where the batch begins, nothing was stored. */
export type PublishOutcome = 'committed' | 'refused';

/** The stream of one log and epoch, as the relay sees it. Errors of the connection or of JetStream pass through: the relay backs off. */
export class LogStream {
  private constructor(private readonly nc: NatsConnection, private readonly jsm: JetStreamManager, private readonly log: LogKey, private readonly epoch: number) {}

  static async of(nc: NatsConnection, log: LogKey, epoch: number): Promise<LogStream> {
    // checkAPI would ask $JS.API.INFO, which no service is granted.
    return new LogStream(nc, await jetstreamManager(nc, { checkAPI: false }), log, epoch);
  }

  /** Undefined when there is no such stream. With `limits`, a stream that keeps to others is given these. */
  async end(limits?: StreamLimits): Promise<StreamEnd | undefined> {
    const name = streamNameOf(this.log, this.epoch);
    try {
      const { state, config } = await this.jsm.streams.info(name);
      if (limits) await this.keepTo(limits, config);
      if (config.metadata?.[MESSAGE_FORM.key] !== MESSAGE_FORM.value) return { position: state.last_seq, otherForm: true };
      if (state.messages === 0) return { position: state.last_seq };
      const last = await this.jsm.streams.getMessage(name, { seq: state.last_seq });
      const leaf = last ? claimedLeaf(last.data) : undefined;
      return leaf ? { position: state.last_seq, leaf } : { position: state.last_seq };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Sequences it keeps, `first` to `last`; first is last + 1 when it keeps none. Undefined when there is no such stream. */
  async range(): Promise<{ first: Position; last: Position } | undefined> {
    const counted = await this.count();
    return counted && { first: counted.first, last: counted.last };
  }

  /** Its range and how many messages it really holds; undefined when there is no such stream. */
  async count(): Promise<{ first: Position; last: Position; messages: number } | undefined> {
    try {
      const { state } = await this.jsm.streams.info(streamNameOf(this.log, this.epoch));
      return { first: state.messages === 0 ? state.last_seq + 1 : state.first_seq, last: state.last_seq, messages: state.messages };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Leaf of the message at a sequence; undefined when the stream does not hold it. */
  async leafAt(position: Position): Promise<Uint8Array | undefined> {
    const message = await this.jsm.streams.getMessage(streamNameOf(this.log, this.epoch), { seq: position });
    return message ? claimedLeaf(message.data) : undefined;
  }

  /** Makes the stream so that its next sequence is `firstPosition`. Idempotent: an equal stream is left as it is. */
  async create(firstPosition: Position, limits?: StreamLimits): Promise<void> {
    await this.jsm.streams.add(logStreamConfig(this.log, this.epoch, firstPosition, limits) as Partial<StreamConfig> & { name: string });
  }

  private async keepTo(limits: StreamLimits, config: StreamConfig): Promise<void> {
    const wanted = { max_bytes: limits.maxBytes, max_age: limits.maxAgeMs * 1_000_000 };
    if (config.max_bytes === wanted.max_bytes && config.max_age === wanted.max_age) return;
    await this.jsm.streams.update(streamNameOf(this.log, this.epoch), { ...config, ...wanted, duplicate_window: Math.min(config.duplicate_window, wanted.max_age) });
  }

  /** Deletes the stream; one that is not there is no error. */
  async remove(): Promise<void> {
    try {
      await this.jsm.streams.delete(streamNameOf(this.log, this.epoch));
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
    }
  }

  /**
   * Stores consecutive events after `before` as one atomic batch: all or none, and none unless the stream ends at `before`. At most 1000 events.
   * A lost answer rejects; the batch may be in or not, `end()` tells.
   */
  async publish(before: Position, batch: readonly RoutedEvent[]): Promise<PublishOutcome> {
    const batchId = nuid.next();
    const subjects = new Map<string, string>();
    for (const [index, routed] of batch.entries()) {
      const headers = encodeHeaders(routed);
      headers.append('Nats-Batch-Id', batchId);
      headers.append('Nats-Batch-Sequence', String(index + 1));
      if (index === 0) headers.append('Nats-Expected-Last-Sequence', String(before));
      const subject = subjects.get(routed.type) ?? eventSubject(this.log, this.epoch, routed.type);
      subjects.set(routed.type, subject);
      const payload = encodePayload(routed.event);
      if (index < batch.length - 1) {
        this.nc.publish(subject, payload, { headers });
        continue;
      }
      headers.append('Nats-Batch-Commit', '1');
      return outcomeOf(await this.nc.request(subject, payload, { timeout: COMMIT_TIMEOUT_MS, headers }), before + batch.length);
    }
    return 'committed';
  }
}

interface PublishAnswer {
  readonly seq?: number;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

const outcomeOf = (message: Msg, expectedEnd: Position): PublishOutcome => {
  const answer = message.json<PublishAnswer>();
  if (answer.error?.err_code === WRONG_LAST_SEQUENCE) return 'refused';
  if (answer.error) throw new JetStreamApiError({ ...answer.error });
  return answer.seq === expectedEnd ? 'committed' : 'refused';
};

/** Whether the stream's end agrees with the log: undefined when it does, else a sentence. `there` is the log's mark at that position. */
export const streamDivergence = (end: StreamEnd, headPosition: Position, there: LogMark | undefined): string | undefined => {
  if (end.position > headPosition) return `the stream ends at sequence ${end.position}, ahead of the log, which ends at ${headPosition}`;
  if (end.leaf && Buffer.compare(end.leaf, there?.leaf ?? new Uint8Array()) !== 0) return `the message at sequence ${end.position} is another event than the log's at that position (leaf differs)`;
  return undefined;
};
