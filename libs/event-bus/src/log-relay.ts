import { DomainError, logName, type LogHead, type LogKey, type LogReader, type Position, type StoredEvent } from '@millrace/kernel';
import { BackOff, pause } from './back-off.ts';
import { sameLeaf } from './divergence.ts';
import { LogStream, streamDivergence, type PublishOutcome } from './jetstream-stream.ts';
import type { BusLink } from './link.ts';
import { routed } from './message.ts';
import { DEFAULT_COMPARISON, StreamComparison, type ComparisonLimits, type Mismatch } from './stream-comparison.ts';
import type { StreamLimits } from './topology.ts';
import { causeOf, inSpan } from './tracing.ts';

export type RelayState = 'relaying' | 'waiting' | 'diverged';

/** Where one log's relay stands; `relayed` is the stream's last sequence as far as this relay knows. */
export interface RelayStatus {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly head: Position;
  readonly relayed: Position;
  readonly state: RelayState;
  readonly reason?: string;
}

export interface LogRelayOptions {
  readonly reader: LogReader;
  readonly link: BusLink;
  readonly limits?: StreamLimits;
  /** How stream and log are compared all the while. */
  readonly comparison?: ComparisonLimits;
  /** Called when the state or its reason changes. */
  readonly onChange?: (status: RelayStatus) => void;
}

/** JetStream takes at most 1000 messages in a batch. */
const MAX_BATCH_EVENTS = 1000;
/** Enough that the server always has a batch to store while acknowledgements travel; each holds its events in memory. */
const BATCHES_IN_FLIGHT = 4;
/** Below the server's default limit on what one batch may hold in flight, and five of them are held in memory at most. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const FIRST_BACK_OFF_MS = 100;
const MOST_BACK_OFF_MS = 2_000;
/** An idle relay looks again whether its stream is still there: JetStream's folder may be lost while nothing is appended. */
const IDLE_CHECK_MS = 2_000;

/** A batch on its way. */
interface Flight { readonly last: StoredEvent; readonly outcome: Promise<PublishOutcome> }

interface Page { readonly events: readonly StoredEvent[]; readonly divergence?: string }

/**
 * Copies one log of one epoch to its stream, in order. Keeps no checkpoint: the stream's last sequence is the last relayed position. Any number
 * of relays may run at once: the server refuses all but the one whose batch continues the stream. Before each batch the event that precedes it
 * is read along and its leaf compared with what was relayed, so a log exchanged underneath is noticed and never mixed in.
 */
export class LogRelay {
  private head: LogHead;
  private relayed: { position: Position; leaf?: Uint8Array } | undefined;
  private state: RelayState = 'waiting';
  private reason: string | undefined;
  private checkedAt = 0;
  private held: string | undefined;
  private mismatch: Mismatch | undefined;
  private refillFrom: Position | undefined;
  private readonly comparison: StreamComparison;
  private comparing: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private readonly stopping = new AbortController();
  private readonly backOff = new BackOff(FIRST_BACK_OFF_MS, MOST_BACK_OFF_MS);
  private running: Promise<void> = Promise.resolve();

  constructor(head: LogHead, private readonly options: LogRelayOptions) {
    this.head = head;
    this.comparison = new StreamComparison(options.reader, this.log, options.comparison);
  }

  start(): void {
    this.running = this.run();
    this.comparing = this.compareOn();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await Promise.all([this.running, this.comparing]);
  }

  /**
   * Deletes the stream and fills it again from a position of the log on (1 to the head + 1); consumers read Postgres meanwhile. Returns at once,
   * `status` shows it. `invalid` beyond the head.
   */
  refill(from: Position): void {
    if (!Number.isSafeInteger(from) || from < 1 || from > this.head.position + 1) throw new DomainError('invalid', 'refill-out-of-range', { from, head: this.head.position }, `Expected a position from 1 to ${this.head.position + 1}; got ${from}. The log ${logName(this.log)} ends at ${this.head.position}.`);
    this.refillFrom = from;
    this.wake();
  }

  /** Tells of a head read by the poller; wakes the relay when there is something new. */
  advance(head: LogHead): void {
    this.head = head;
    if (this.relayed === undefined || head.position !== this.relayed.position) this.wake();
  }

  /** With a reason the loop stands still as `diverged` until it is let go. */
  hold(reason: string | undefined): void {
    if (reason !== undefined) this.held = reason;
    else if (this.held !== undefined) {
      this.held = undefined;
      this.relayed = undefined;
      this.become('waiting');
    }
  }

  status(): RelayStatus {
    return { tenant: this.head.tenant, log: logName(this.head), epoch: this.head.epoch, head: this.head.position, relayed: this.relayed?.position ?? 0, state: this.state, ...(this.reason === undefined ? {} : { reason: this.reason }) };
  }

  private get log(): LogKey {
    return { tenant: this.head.tenant, context: this.head.context, shard: this.head.shard };
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        if (await this.round()) this.backOff.reset();
        else await this.idle();
      } catch (error) {
        // Bus or database away, an answer lost: nothing is known any more, the next round asks the stream where it ends.
        this.relayed = undefined;
        this.become('waiting', error instanceof Error ? error.name : 'failed');
        await this.backOff.wait(this.stopping.signal);
      }
    }
  }

  /** One look, and all the batches that follow from it; false when there was nothing to do. */
  private async round(): Promise<boolean> {
    if (this.held !== undefined) return this.diverge(this.held);
    const stream = await LogStream.of(this.options.link.connection(), this.log, this.head.epoch);
    if (this.refillFrom !== undefined) await this.startRefill(stream, this.refillFrom);
    if (this.mismatch !== undefined && !await this.mismatchGone(stream, this.mismatch)) return false;
    if (this.relayed === undefined || Date.now() - this.checkedAt > IDLE_CHECK_MS) await this.locate(stream);
    if (this.state === 'diverged' || this.relayed === undefined) return false;
    if (this.head.position < this.relayed.position && !(await this.confirmHead(this.relayed.position))) return false;
    this.become('relaying');
    if (this.head.position === this.relayed.position) return false;
    return this.copy(stream);
  }

  private async startRefill(stream: LogStream, from: Position): Promise<void> {
    await stream.remove();
    await stream.create(from, this.options.limits);
    this.refillFrom = undefined;
    this.mismatch = undefined;
    this.relayed = { position: from - 1 };
    this.checkedAt = Date.now();
    this.become('relaying');
  }

  /** A mismatch holds the loop until that very position agrees: because the stream was refilled, or the log renewed. */
  private async mismatchGone(stream: LogStream, { position }: Mismatch): Promise<boolean> {
    this.mismatch = await this.comparison.at(stream, position);
    if (this.mismatch !== undefined) return this.diverge(this.mismatch.reason);
    this.relayed = undefined;
    return true;
  }

  /** Compares stream and log beside the relaying, for as long as it runs. */
  private async compareOn(): Promise<void> {
    const everyMs = this.options.comparison?.everyMs ?? DEFAULT_COMPARISON.everyMs;
    while (!this.stopping.signal.aborted) {
      await pause(everyMs, this.stopping.signal);
      if (this.state !== 'relaying' || this.mismatch !== undefined || this.refillFrom !== undefined) continue;
      try {
        const epoch = this.head.epoch;
        const found = await this.comparison.sample(await LogStream.of(this.options.link.connection(), this.log, epoch));
        // Read across a renewal or a refill it would mean nothing.
        if (!found || this.stopping.signal.aborted || this.refillFrom !== undefined || (await this.options.reader.head(this.log))?.epoch !== epoch) continue;
        this.mismatch = found;
        this.wake();
      } catch {
        // Bus or database away: the relaying loop meets the same and says so.
      }
    }
  }

  /** A head behind what is relayed may have been read before a page that went further: only a fresh one proves a shorter log. */
  private async confirmHead(relayed: Position): Promise<boolean> {
    const fresh = await this.options.reader.head(this.log);
    if (!fresh || fresh.position < relayed) return this.diverge(`the log ends at ${fresh?.position ?? 0}, behind the stream, which ends at ${relayed}`);
    this.head = { ...fresh, epoch: this.head.epoch };
    return true;
  }

  /** Learns from the stream where it ends, makes it when it is missing, and compares it with the log. */
  private async locate(stream: LogStream): Promise<void> {
    const end = await stream.end(this.options.limits);
    this.checkedAt = Date.now();
    if (!end) {
      const [first] = await this.options.reader.read(this.log, 0, 1);
      const firstPosition = first?.position ?? this.head.position + 1;
      await stream.create(firstPosition, this.options.limits);
      this.relayed = { position: firstPosition - 1 };
      return;
    }
    const fresh = await this.options.reader.head(this.log);
    if (!fresh || fresh.epoch !== this.head.epoch) {
      // A new epoch gets a relay of its own; this one waits to be stopped.
      this.diverge(`the log's epoch is ${fresh?.epoch ?? 'unknown'} now`);
      return;
    }
    this.head = fresh;
    // The bus is made from the log and can be made again; only one that is ahead of it tells something that the log does not.
    if (end.otherForm && end.position <= fresh.position) return this.startRefill(stream, (await stream.range())?.first ?? 1);
    const there = end.leaf ? await this.options.reader.mark(this.log, end.position) : undefined;
    const divergence = streamDivergence(end, fresh.position, there);
    if (divergence !== undefined) {
      this.diverge(divergence);
      return;
    }
    this.relayed = end;
    if (this.state === 'diverged') this.become('waiting');
  }

  /** Publishes up to the head known now, several batches in flight; the next page is read while they commit. */
  private async copy(stream: LogStream): Promise<boolean> {
    const flight: Flight[] = [];
    try {
      let reading = this.page();
      for (;;) {
        const page = await reading;
        const last = page.events.at(-1);
        if (page.divergence !== undefined) {
          if (!await this.land(flight, 0)) return true;
          return this.diverge(page.divergence);
        }
        if (!last || this.stopping.signal.aborted || this.refillFrom !== undefined) break;
        flight.push(this.flightOf(stream, page.events, last));
        reading = this.page(last);
        if (!await this.land(flight, BATCHES_IN_FLIGHT - 1)) {
          await reading.catch(() => undefined); // read for nothing: the stream is looked at anew
          return true;
        }
      }
      await this.land(flight, 0);
      return true;
    } finally {
      // No batch of this round may still be on its way when the next one asks the stream where it ends.
      await Promise.allSettled(flight.map(({ outcome }) => outcome));
    }
  }

  /** A batch may fail before `land` comes to it, while the next page is read: until then its failure must not end the process as unhandled. */
  private flightOf(stream: LogStream, events: readonly StoredEvent[], last: StoredEvent): Flight {
    const outcome = this.publish(stream, events);
    outcome.catch(() => undefined);
    return { last, outcome };
  }

  private publish(stream: LogStream, events: readonly StoredEvent[]): Promise<PublishOutcome> {
    const before = (events[0]?.position ?? 1) - 1;
    const batch = events.map(routed);
    const cause = causeOf(batch.map(({ traceparent }) => traceparent));
    return inSpan('relay batch', { kind: 'producer', ...cause, attributes: { 'millrace.log': logName(this.log), 'messaging.batch.message_count': events.length } }, () => stream.publish(before, batch));
  }

  /** Waits until at most `most` batches are in flight. False: one was refused, and with it all behind it; the stream must be asked again. */
  private async land(flight: Flight[], most: number): Promise<boolean> {
    while (flight.length > most) {
      const oldest = flight[0];
      if (!oldest) break;
      if (await oldest.outcome === 'refused') {
        // Another relay was first, or the stream was made anew: look again.
        this.relayed = undefined;
        return false;
      }
      flight.shift();
      this.relayed = { position: oldest.last.position, leaf: oldest.last.leaf };
    }
    return true;
  }

  /** Events after `after` (default: what is relayed), preceded in the read by the event already relayed, which must be the same one still. */
  private async page(after: { position: Position; leaf?: Uint8Array } | undefined = this.relayed): Promise<Page> {
    if (!after) return { events: [] };
    const from = after.leaf && after.position > 0 ? after.position - 1 : after.position;
    const read = await this.options.reader.read(this.log, from, MAX_BATCH_EVENTS, MAX_BATCH_BYTES);
    if (from === after.position) return { events: read };
    const [previous, ...events] = read;
    if (!previous || !after.leaf || !sameLeaf(previous.leaf, after.leaf)) return { events: [], divergence: `the event at position ${after.position} of the log is another one than the one relayed (leaf differs)` };
    // A page of one large event would be read for ever: take the next one alone.
    return { events: events.length > 0 ? events : await this.options.reader.read(this.log, after.position, 1) };
  }

  private diverge(reason: string): false {
    this.become('diverged', reason);
    return false;
  }

  private become(state: RelayState, reason?: string): void {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.options.onChange?.(this.status());
  }

  /** Until woken by a new head, or until it is time to look at the stream again. */
  private async idle(): Promise<void> {
    const waiting = new AbortController();
    this.wake = () => waiting.abort();
    if (this.refillFrom !== undefined) return;
    if (this.state !== 'diverged' && this.relayed && this.head.position > this.relayed.position) return;
    await pause(IDLE_CHECK_MS, AbortSignal.any([waiting.signal, this.stopping.signal]));
    this.wake = () => undefined;
  }
}
