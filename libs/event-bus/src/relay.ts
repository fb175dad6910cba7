import { DomainError, logName, type LogHead, type LogKey, type Position } from '@millrace/kernel';
import { pause } from './back-off.ts';
import { LogRelay, type LogRelayOptions, type RelayStatus } from './log-relay.ts';
import { strandedStreams, type StrandedStream } from './stranded-streams.ts';

/** Between looks at the heads while events come; a look is one index probe per log. */
const BUSY_POLL_MS = 25;
/** When nothing has moved for a while; the wait grows towards it. */
const IDLE_POLL_MS = 50;
/** While the event database can't be read. */
const FAILED_POLL_MS = 500;

export interface RelayOptions extends LogRelayOptions {
  /**
   * All EVT_ streams of this NATS are this event database's: one that it doesn't account for is a divergence. Left out where several event
   * databases share a NATS.
   */
  readonly ownsStreams?: boolean;
  /** Told of errors while reading heads; the relay goes on. */
  readonly onError?: (error: unknown) => void;
}

/** Between looks for streams that no log accounts for: a listing costs the server little, and a restore is no matter of milliseconds. */
const STRANDED_CHECK_MS = 2_000;

const keyOf = (head: LogHead): string => `${head.tenant} ${logName(head)} ${head.epoch}`;

/** Relays every log the reader shows, each in its own loop, found and followed by one poller. Logs of an epoch that is over are let go. */
export class Relay {
  private readonly logs = new Map<string, LogRelay>();
  private stranded: readonly StrandedStream[] = [];
  private strandedCheckedAt = 0;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: RelayOptions) {}

  start(): void {
    this.running = this.poll();
  }

  /** Stops all loops; a batch in flight is finished first. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all([...this.logs.values()].map((log) => log.stop()));
  }

  /** Fills a log's stream again from a position on: see `LogRelay.refill`. `not-found` for a log without events. */
  refill(log: LogKey, from: Position): void {
    const loop = [...this.logs.values()].find((one) => { const { tenant, log: name } = one.status(); return tenant === log.tenant && name === logName(log); });
    if (!loop) throw new DomainError('not-found', 'log-not-relayed', { log: logName(log) }, `This relay follows no log ${logName(log)} of that tenant: it has no events, or was just made.`);
    loop.refill(from);
  }

  status(): RelayStatus[] {
    return [...[...this.logs.values()].map((log) => log.status()), ...this.lost()].toSorted((a, b) => `${a.tenant}/${a.log}`.localeCompare(`${b.tenant}/${b.log}`));
  }

  /** Logs that only their stream remembers. One that has events in an older epoch has a loop of its own, which is held. */
  private lost(): RelayStatus[] {
    return this.stranded.filter(({ head }) => head === undefined || !this.logs.has(keyOf(head)))
      .map(({ log, epoch, end, reason }) => ({ tenant: log.tenant, log: logName(log), epoch, head: 0, relayed: end, state: 'diverged', reason }));
  }

  private async findStranded(heads: readonly LogHead[]): Promise<void> {
    const nc = this.options.link.current();
    if (!this.options.ownsStreams || !nc || Date.now() - this.strandedCheckedAt < STRANDED_CHECK_MS) return;
    const before = new Set(this.lost().map(({ tenant, log }) => `${tenant} ${log}`));
    this.stranded = await strandedStreams(nc, this.options.reader, heads);
    this.strandedCheckedAt = Date.now();
    for (const lost of this.lost()) if (!before.has(`${lost.tenant} ${lost.log}`)) this.options.onChange?.(lost);
    for (const [key, log] of this.logs) log.hold(this.stranded.find(({ head }) => head !== undefined && keyOf(head) === key)?.reason);
  }

  private async poll(): Promise<void> {
    let waitMs = BUSY_POLL_MS;
    while (!this.stopping.signal.aborted) {
      try {
        const heads = await this.options.reader.heads();
        const moved = await this.follow(heads);
        await this.findStranded(heads);
        waitMs = moved ? BUSY_POLL_MS : Math.min(waitMs + 5, IDLE_POLL_MS);
      } catch (error) {
        this.options.onError?.(error);
        waitMs = FAILED_POLL_MS;
      }
      await pause(waitMs, this.stopping.signal);
    }
  }

  private async follow(heads: readonly LogHead[]): Promise<boolean> {
    let moved = false;
    const present = new Set(heads.map(keyOf));
    for (const [key, log] of this.logs) {
      if (present.has(key)) continue;
      // Kept out of the listing by a new epoch only: a log that vanished altogether is a divergence the log's own loop reports.
      if (!heads.some((head) => head.tenant === log.status().tenant && logName(head) === log.status().log)) continue;
      this.logs.delete(key);
      await log.stop();
    }
    for (const head of heads) {
      const known = this.logs.get(keyOf(head));
      if (known) {
        moved ||= known.status().head !== head.position;
        known.advance(head);
        continue;
      }
      // A log without events has no stream yet: its first event makes one.
      if (head.position === 0) continue;
      const log = new LogRelay(head, this.options);
      this.logs.set(keyOf(head), log);
      log.start();
      moved = true;
    }
    return moved;
  }
}
