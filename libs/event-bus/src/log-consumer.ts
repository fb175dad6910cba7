import { isDomainError, logName, type Epoch, type LogHead, type LogKey, type LogMark, type LogReader, type Position, type StoredEvent } from '@millrace/kernel';
import type { JsMsg } from '@nats-io/jetstream';
import { BackOff, pause } from './back-off.ts';
import type { BatchHandler, ConsumerState, ConsumerStatus, Resumption, Taken } from './batch.ts';
import { divergenceOf, sameLeaf } from './divergence.ts';
import type { BusLink } from './link.ts';
import { decodeMessage } from './message.ts';
import { isStreamMissing, StreamSource } from './stream-source.ts';
import { consumerNameOf } from './subject.ts';
import { causeOf, inSpan } from './tracing.ts';

export type EventOrigin = 'stream' | 'log';

export interface LogConsumerOptions {
  /** Names the JetStream consumer, together with `instance`. */
  readonly service: string;
  /** Which of several running instances of the service this is: 0, the only one, unless told. */
  readonly instance?: number;
  readonly reader: LogReader;
  readonly handler: BatchHandler;
  /** Absent: reads Postgres only. */
  readonly link?: BusLink;
  /** Most events in a batch; 500 unless told: enough to spread a commit's cost, small enough to retry. */
  readonly batchEvents?: number;
  /**
   * Least time between the beginnings of two batches, for consumers whose commit is dear: messages that come earlier are gathered until then, or
   * until a batch is full. None unless told. An event that comes after a quiet time, or behind a batch that took as long, waits for nothing but what is
   * ready behind it.
   */
  readonly gatherMs?: number;
  readonly onChange?: (status: ConsumerStatus) => void;
  /** After each commit: how many events, and where they were read. A consumer that reads only the log tells of a bus that isn't used. */
  readonly onApplied?: (log: LogKey, events: number, from: EventOrigin) => void;
  /** A recovery was followed: see `BatchHandler.adopt` and `reset`. */
  readonly onResumed?: (log: LogKey, how: Resumption, epoch: Epoch) => void;
  readonly onError?: (error: unknown, log: LogKey) => void;
}

const DEFAULT_BATCH_EVENTS = 500;
const READ_BYTES = 8 * 1024 * 1024;
/** Between reads of Postgres while the bus is away: what the bus' absence costs in latency. */
const POLL_MS = 100;
/** A bus that failed is tried again after this. */
const BUS_RETRY_MS = 1_000;
/** The mark is compared with the log this often while nothing comes, and a diverged log is looked at again. */
const COMPARE_MS = 2_000;
const FIRST_BACK_OFF_MS = 100;
const MOST_BACK_OFF_MS = 5_000;

class Divergence extends Error {}

/**
 * The one ordered loop of a (service, log). Reads from JetStream, and from Postgres what is older than the stream, what the bus trails behind,
 * and everything while the bus is down; every batch continues exactly where the last one ended. Before a batch is applied its last event is
 * compared with the log, so neither a stale stream nor an exchanged database gets in; on a difference the loop stands still as `diverged`.
 */
export class LogConsumer {
  private mark: LogMark | undefined;
  private state: ConsumerState = 'catching-up';
  private reason: string | undefined;
  private parked = 0;
  private taken: Taken | undefined;
  private source: StreamSource | undefined;
  private busNotBefore = 0;
  private batchBegunAt = 0;
  private comparedAt = 0;
  private readonly stopping = new AbortController();
  private readonly backOff = new BackOff(FIRST_BACK_OFF_MS, MOST_BACK_OFF_MS);
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly log: LogKey, private epoch: Epoch, private readonly options: LogConsumerOptions) {}

  start(): void {
    this.running = this.run();
  }

  /** Finishes the batch in hand. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const closing = this.source?.close();
    await this.running;
    await closing;
    this.become('stopped');
  }

  status(): ConsumerStatus {
    return { tenant: this.log.tenant, log: logName(this.log), epoch: this.mark?.epoch ?? this.epoch, position: this.position, ...(this.mark ? { leaf: Buffer.from(this.mark.leaf).toString('hex') } : {}), state: this.state, parked: this.parked,
      ...(this.taken && this.taken.position === this.position ? { taken: this.taken.events, takenFrom: this.taken.from } : {}), ...(this.reason === undefined ? {} : { reason: this.reason }) };
  }

  private get position(): Position {
    return this.mark?.position ?? 0;
  }

  private async run(): Promise<void> {
    let placed = false;
    while (!this.stopping.signal.aborted) {
      try {
        if (!placed) {
          await this.place();
          placed = true;
        }
        await this.round();
        this.backOff.reset();
      } catch (error) {
        placed = false;
        await this.dropSource();
        await this.failed(error);
      }
    }
    await this.dropSource();
  }

  private async failed(error: unknown): Promise<void> {
    if (error instanceof Divergence) {
      this.become('diverged', error.message);
      await pause(COMPARE_MS, this.stopping.signal);
      return;
    }
    this.options.onError?.(error, this.log);
    this.become('stopped', `${isDomainError(error) ? error.code : error instanceof Error ? error.name : 'failed'}: will be tried again`);
    await this.backOff.wait(this.stopping.signal);
  }

  /** Loads the checkpoint and compares it with the log. Also the way back after any failure: the database knows what was committed. */
  private async place(): Promise<void> {
    const mark = await this.options.handler.load(this.log);
    // Kept before it is compared: a diverged consumer says where it stands.
    this.mark = mark;
    const head = await this.options.reader.head(this.log);
    const divergence = await divergenceOf(this.options.reader, this.log, mark, head);
    if (divergence !== undefined) this.mark = await this.resume(divergence, mark, head);
    this.comparedAt = Date.now();
    this.epoch = head?.epoch ?? this.epoch;
    this.parked = (await this.options.handler.parked?.(this.log)) ?? 0;
    this.taken = await this.options.handler.taken?.(this.log);
    this.become('catching-up');
  }

  /**
   * A log of a later epoch that a recovery made is followed: the operator has had the difference explained and decided. Answers the mark to
   * go on from. Committed step by step by the handler, so a crash in between leaves either the old standing or the new.
   */
  private async resume(divergence: string, mark: LogMark | undefined, head: LogHead | undefined): Promise<LogMark | undefined> {
    const { reader, handler, onResumed } = this.options;
    if (!mark || !head || head.epoch <= mark.epoch) throw new Divergence(divergence);
    const recovered = (await reader.epochs?.(this.log))?.some(({ epoch }) => epoch === head.epoch) ?? false;
    if (!recovered) throw new Divergence(divergence);
    const there = await reader.mark(this.log, mark.position);
    if (handler.adopt && there?.epoch === head.epoch && sameLeaf(there.leaf, mark.leaf)) {
      await handler.adopt(this.log, there);
      onResumed?.(this.log, 'adopted', head.epoch);
      return there;
    }
    if (!handler.reset) throw new Divergence(divergence);
    await handler.reset(this.log);
    onResumed?.(this.log, 'reset', head.epoch);
    return undefined;
  }

  private async compare(mark: LogMark | undefined): Promise<LogHead | undefined> {
    const head = await this.options.reader.head(this.log);
    const divergence = await divergenceOf(this.options.reader, this.log, mark, head);
    if (divergence !== undefined) throw new Divergence(divergence);
    this.comparedAt = Date.now();
    return head;
  }

  private async round(): Promise<void> {
    const source = await this.openSource();
    if (!source) {
      if (!(await this.readThrough())) await pause(POLL_MS, this.stopping.signal);
      return;
    }
    const messages = await this.take(source);
    if (messages.length === 0) {
      // Nothing on the stream for a second: either all is read, or the bus trails the log.
      await this.readThrough();
      return;
    }
    await this.applyMessages(messages);
  }

  private async openSource(): Promise<StreamSource | undefined> {
    const nc = this.options.link?.current();
    if (!nc) await this.dropSource();
    if (!nc || this.source || Date.now() < this.busNotBefore) return this.source;
    // Far behind, the stream may not reach back so far: what it holds is found out by the first message's sequence.
    try {
      this.source = await StreamSource.open(nc, consumerNameOf(this.options.service, this.options.instance), this.log, this.epoch, this.position);
    } catch (error) {
      this.leaveBus(error);
    }
    return this.source;
  }

  private async take(source: StreamSource): Promise<JsMsg[]> {
    try {
      const messages = await source.next();
      const gatherMs = this.batchBegunAt + (this.options.gatherMs ?? 0) - Date.now();
      if (messages.length > 0) await source.gather(messages, this.options.batchEvents ?? DEFAULT_BATCH_EVENTS, gatherMs);
      return messages;
    } catch (error) {
      await this.dropSource();
      this.leaveBus(error);
      return [];
    }
  }

  /** Postgres has everything; the bus is asked again soon. Reported, because read-through would hide a bus that never works. */
  private leaveBus(error: unknown): void {
    this.busNotBefore = Date.now() + BUS_RETRY_MS;
    if (!isStreamMissing(error)) this.options.onError?.(error, this.log);
  }

  private async dropSource(): Promise<void> {
    const source = this.source;
    this.source = undefined;
    await source?.close();
  }

  /** Fills a hole between the mark and the first message from Postgres, skips what is known, applies the rest in batches. */
  private async applyMessages(messages: readonly JsMsg[]): Promise<void> {
    const first = messages.find((message) => message.seq > this.position);
    if (!first) return;
    while (this.position + 1 < first.seq && !this.stopping.signal.aborted) {
      if (!(await this.readThrough())) throw new Divergence(`the stream holds sequence ${first.seq}, ahead of the log, which ends at ${this.position}`);
    }
    const fresh = messages.filter((message) => message.seq > this.position);
    const size = this.options.batchEvents ?? DEFAULT_BATCH_EVENTS;
    for (let start = 0; start < fresh.length && !this.stopping.signal.aborted; start += size) {
      const events = this.decode(fresh.slice(start, start + size));
      const last = events?.at(-1);
      if (!events || !last) {
        await this.readThrough();
        return;
      }
      const there = await this.options.reader.mark(this.log, last.position);
      if (!there || there.epoch !== this.epoch || !sameLeaf(there.leaf, last.leaf)) throw new Divergence(`the message at sequence ${last.position} is another event than the log's at that position`);
      await this.apply(events, 'stream');
    }
    this.become('running');
  }

  /** Undefined when a message is not what the relay wrote, or not the next one: Postgres is read instead. */
  private decode(messages: readonly JsMsg[]): StoredEvent[] | undefined {
    try {
      const events = messages.map((message) => decodeMessage(this.log, this.epoch, message.seq, message.data));
      return events.every((event, index) => event.position === this.position + 1 + index) ? events : undefined;
    } catch (error) {
      this.options.onError?.(error, this.log);
      return undefined;
    }
  }

  /** One batch from Postgres; false when the log has no more. The event at the mark is read along and must be the one the mark names. */
  private async readThrough(): Promise<boolean> {
    const overlapping = this.position > 0 ? 1 : 0;
    const read = await this.options.reader.read(this.log, this.position - overlapping, (this.options.batchEvents ?? DEFAULT_BATCH_EVENTS) + overlapping, READ_BYTES);
    // Read after a recovery by a process that slept through it: such events belong to another history than the mark.
    if (read.some((event) => event.epoch !== this.epoch)) throw new Divergence(`the log ${logName(this.log)} is of epoch ${read[0]?.epoch} now, this consumer reads epoch ${this.epoch}`);
    const events = read.filter((event) => event.position > this.position);
    const overlap = read.length > events.length ? read[0] : undefined;
    if (this.mark && !sameLeaf(overlap?.leaf, this.mark.leaf)) await this.compare(this.mark);
    if (events.length > 0) {
      await this.apply(events, 'log');
      return true;
    }
    if (overlap && read.length === 1) {
      const [next] = await this.options.reader.read(this.log, this.position, 1);
      if (next) {
        await this.apply([next], 'log');
        return true;
      }
    }
    if (Date.now() - this.comparedAt > COMPARE_MS) {
      await this.compare(this.mark);
      // Here and not per batch: it is for accounting, which has time.
      this.taken = await this.options.handler.taken?.(this.log);
    }
    this.become('running');
    return false;
  }

  private async apply(events: readonly StoredEvent[], from: EventOrigin): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const mark: LogMark = { epoch: this.epoch, position: last.position, leaf: last.leaf };
    this.batchBegunAt = Date.now();
    await inSpan('consume batch', { kind: 'consumer', attributes: { 'millrace.log': logName(this.log), 'messaging.batch.message_count': events.length }, ...causeOf(events.map(({ envelope }) => envelope.traceparent)) }, () =>
      this.options.handler.apply({ log: this.log, events, mark }));
    this.mark = mark;
    this.options.onApplied?.(this.log, events.length, from);
    if (this.options.handler.parked) this.parked = await this.options.handler.parked(this.log);
  }

  private become(state: ConsumerState, reason?: string): void {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.options.onChange?.(this.status());
  }
}
