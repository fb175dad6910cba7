import { randomBytes } from 'node:crypto';
import { logName, type Context, type Envelope, type LogEpoch, type LogHead, type LogKey, type LogMark, type LogReader, type Position, type StoredEvent, type Tenant } from '@millrace/kernel';
import { leafOf } from './message.ts';

/** An event with a right leaf, for specs of whatever reads logs. */
export const sampleEvent = (log: LogKey, epoch: number, position: Position, options: { stream?: string; data?: unknown; type?: string } = {}): StoredEvent => {
  const stream = options.stream ?? `${log.context}.order/o${position}`;
  const envelope: Envelope = {
    specversion: '1.0', id: `e-${position}`, source: 'urn:spec', type: options.type ?? `${log.context}.order.placed`, version: 1, tenant: log.tenant, stream,
    time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:00.000Z', recordedtime: '2026-11-01T00:00:00.001Z', via: 'spec', fingerprint: '00'.repeat(32),
  };
  const envelopeBytes = Buffer.from(JSON.stringify(envelope));
  const data = Buffer.from(JSON.stringify(options.data ?? { n: position }));
  const salt = randomBytes(16);
  return { log, epoch, position, streamVersion: 1, envelope, envelopeBytes, data, salt, leaf: leafOf(envelopeBytes, salt, data) };
};

/** A log reader without a database, for specs of this lib: a log can be cut, renewed and taken away as a restore would. */
export class LogInMemory implements LogReader {
  readonly log: LogKey;
  epoch = 1_700_000_000;
  events: StoredEvent[] = [];
  /** Thrown by every call while set. */
  outage: Error | undefined;
  /** Recoveries, as `recover` records them. */
  recoveries: LogEpoch[] = [];
  /** As in a database restored to before the log's first event. */
  gone = false;
  reads = 0;

  constructor(tenant: Tenant, context: Context = 'sales') {
    this.log = { tenant, context, shard: 0 };
  }

  append(count: number, options: { stream?: string; data?: unknown; type?: string } = {}): this {
    for (let index = 0; index < count; index += 1) this.events.push(sampleEvent(this.log, this.epoch, this.events.length + 1, options));
    return this;
  }

  /** As a restore of an older backup leaves it: shorter, and going on with other events. */
  restoreTo(position: Position, thenAppend = 0): this {
    this.events = this.events.slice(0, position);
    return this.append(thenAppend);
  }

  /** As `recover` does: a new epoch, recorded or (as when a database is exchanged) not. */
  renew(recorded = true): this {
    const previousEpoch = this.epoch;
    this.epoch += 60;
    if (recorded) this.recoveries.push({ epoch: this.epoch, previousEpoch, fromPosition: 1, head: this.events.length, previousHead: this.events.length, reason: 'spec', at: '2026-11-01T00:00:00.000Z' });
    return this;
  }

  async epochs(): Promise<LogEpoch[]> {
    this.answer();
    return this.recoveries;
  }

  async heads(tenant?: Tenant): Promise<LogHead[]> {
    const head = await this.head(this.log);
    return head && (tenant === undefined || tenant === this.log.tenant) ? [head] : [];
  }

  async head(log: LogKey): Promise<LogHead | undefined> {
    this.answer();
    if (log.tenant !== this.log.tenant || logName(log) !== logName(this.log)) return undefined;
    if (this.gone) return undefined;
    const last = this.events.at(-1);
    return { ...this.log, epoch: this.epoch, position: this.events.length, ...(last ? { leaf: last.leaf } : {}) };
  }

  async read(_log: LogKey, after: Position, limit: number, maxBytes = Infinity): Promise<StoredEvent[]> {
    this.answer();
    this.reads += 1;
    const page: StoredEvent[] = [];
    for (let bytes = 0; page.length < limit; ) {
      const next = this.events[after + page.length];
      bytes += next?.data.length ?? 0;
      if (!next || (bytes > maxBytes && page.length > 0)) break;
      // As the event store tells it: the epoch of the log as it is now.
      page.push({ ...next, epoch: this.epoch });
    }
    return page;
  }

  async mark(_log: LogKey, position: Position): Promise<LogMark | undefined> {
    this.answer();
    const event = this.events[position - 1];
    return event && { epoch: this.epoch, position, leaf: event.leaf };
  }

  /**
   * The same log, of which no event from position `first` to `last` can be read: a consumer of it can have these from the stream alone, however
   * slow that is. A page ends before them.
   */
  without(first: Position, last: Position): LogReader {
    const read: LogReader['read'] = async (...page) => {
      const events = await this.read(...page);
      const hidden = events.findIndex(({ position }) => position >= first && position <= last);
      return hidden < 0 ? events : events.slice(0, hidden);
    };
    return { heads: (tenant) => this.heads(tenant), head: (log) => this.head(log), mark: (log, position) => this.mark(log, position), read };
  }

  private answer(): void {
    if (this.outage) throw this.outage;
  }
}
