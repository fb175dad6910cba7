import { AckPolicy, DeliverPolicy, JetStreamApiError, JetStreamError, jetstream, jetstreamManager, ReplayPolicy, type Consumer, type ConsumerConfig, type ConsumerMessages, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { Epoch, LogKey, Position } from '@millrace/kernel';
import { logSubjectFilter, streamNameOf } from './subject.ts';

/** A pull takes at most this many bytes: what one loop holds in memory, and well over the largest message. */
const PULL_BYTES = 8 * 1024 * 1024;
/** How long a pull waits for messages; shortest the client allows is 1 s. */
const PULL_EXPIRES_MS = 1_000;
/** While the server has more ready, a batch waits this long for it: a pull's first socket read is a few dozen events, and a commit for each of those is dear. */
const BEHIND_MS = 250;
/** The server forgets the consumer of a process that died after this long. */
const INACTIVE_MS = 30_000;
/** `consumer already exists` with another start: a predecessor's, to be replaced. */
const CONSUMER_EXISTS = new Set([10148, 10105]);
const CONSUMER_NOT_FOUND = 10014;
const STREAM_NOT_FOUND = 10059;

/** The relay has not made the stream yet, or it was lost: nothing to report, Postgres has the events. */
export const isStreamMissing = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;

/** How the server ends a pull bounded in bytes when they are used up: an end like any other, the next pull goes on. */
const isPullFull = (error: unknown): boolean => error instanceof JetStreamError && /batch completed|exceeds maxbytes/i.test(error.message);

const configOf = (service: string, log: LogKey, epoch: Epoch, after: Position): Partial<ConsumerConfig> => ({
  name: service,
  filter_subject: logSubjectFilter(log, epoch),
  deliver_policy: DeliverPolicy.StartSequence,
  opt_start_seq: after + 1,
  // The checkpoint is the consumer's own: an acknowledgement would be a second, weaker truth.
  ack_policy: AckPolicy.None,
  replay_policy: ReplayPolicy.Instant,
  mem_storage: true,
  inactive_threshold: nanos(INACTIVE_MS),
});

const isBehind = (messages: readonly JsMsg[]): boolean => (messages.at(-1)?.info.pending ?? 0) > 0;

const makeConsumer = async (jsm: JetStreamManager, service: string, log: LogKey, epoch: Epoch, after: Position): Promise<void> => {
  const stream = streamNameOf(log, epoch);
  const config = configOf(service, log, epoch, after);
  try {
    await jsm.consumers.add(stream, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !CONSUMER_EXISTS.has(error.code)) throw error;
    await jsm.consumers.delete(stream, service).catch((gone: unknown) => {
      if (!(gone instanceof JetStreamApiError) || gone.code !== CONSUMER_NOT_FOUND) throw gone;
    });
    await jsm.consumers.add(stream, config);
  }
};

/**
 * Messages of a log's stream from a position on, by a pull consumer named after the service. `next()` returns what has arrived: [] after about a
 * second without any. It rejects when the stream, the consumer or the connection is gone: make a new source, or read Postgres.
 */
export class StreamSource {
  private pulled: ConsumerMessages | undefined;
  private pumping: Promise<void> = Promise.resolve();
  private readonly queue: JsMsg[] = [];
  private ended = true;
  private failure: unknown;
  private wake: () => void = () => undefined;
  private closed = false;

  private constructor(private readonly consumer: Consumer) {}

  static async open(nc: NatsConnection, service: string, log: LogKey, epoch: Epoch, after: Position): Promise<StreamSource> {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    await makeConsumer(jsm, service, log, epoch, after);
    return new StreamSource(await jetstream(nc).consumers.get(streamNameOf(log, epoch), service));
  }

  async next(): Promise<JsMsg[]> {
    if (this.queue.length === 0 && this.ended) await this.pull();
    if (this.queue.length === 0 && !this.ended) await new Promise<void>((resolve) => { this.wake = resolve; });
    // Messages of one socket read arrive in one turn of the event loop: let the turn end and take them all.
    await new Promise((resolve) => { setImmediate(resolve); });
    if (this.queue.length === 0 && this.failure !== undefined) throw this.failure;
    return this.queue.splice(0);
  }

  /**
   * Adds what arrives to `messages` until they are `most` or as large as a pull, for at most `ms`, and for a moment in any case while the last one
   * says that more are ready. Ends early when the source fails or is closed.
   */
  async gather(messages: JsMsg[], most: number, ms: number): Promise<void> {
    const begun = Date.now();
    let bytes = messages.reduce((sum, { data }) => sum + data.length, 0);
    while (messages.length < most && bytes < PULL_BYTES && !this.closed && this.failure === undefined) {
      const leftMs = begun + (isBehind(messages) ? Math.max(ms, BEHIND_MS) : ms) - Date.now();
      if (leftMs <= 0) return;
      if (this.queue.length === 0 && this.ended) await this.pull();
      await this.arrival(leftMs);
      const arrived = this.queue.splice(0);
      bytes += arrived.reduce((sum, { data }) => sum + data.length, 0);
      messages.push(...arrived);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    // A pull that can't be closed is on a connection that is gone.
    await this.pulled?.close().catch(() => undefined);
    await this.pumping;
  }

  /** Until something happens to the pull, or `ms` have passed. */
  private async arrival(ms: number): Promise<void> {
    if (this.queue.length > 0 || this.ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
    // As in `next`: what came with it.
    await new Promise((resolve) => { setImmediate(resolve); });
  }

  private async pull(): Promise<void> {
    this.ended = false;
    const messages = await this.consumer.fetch({ max_bytes: PULL_BYTES, expires: PULL_EXPIRES_MS });
    this.pulled = messages;
    this.pumping = this.pump(messages);
  }

  private async pump(messages: ConsumerMessages): Promise<void> {
    try {
      for await (const message of messages) {
        this.queue.push(message);
        this.wake();
      }
    } catch (error) {
      if (!isPullFull(error)) this.failure = error;
    } finally {
      this.ended = true;
      this.wake();
    }
  }
}
