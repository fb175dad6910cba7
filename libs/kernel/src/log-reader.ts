import type { StoredEvent } from './event.ts';
import type { LogEpoch, LogHead, LogKey, LogMark, Position, Tenant } from './log.ts';

/** Reading side of the event store, as the relay and consumers need it. Implemented by libs/event-store over Postgres. */
export interface LogReader {
  /** Heads of all logs the caller may read; with `tenant`, only that tenant's. Logs without events are listed at position 0. */
  heads(tenant?: Tenant): Promise<LogHead[]>;
  /** Undefined when the log doesn't exist. */
  head(log: LogKey): Promise<LogHead | undefined>;
  /** Up to `limit` committed events after `after`, in order, dense. Also bounded by `maxBytes` of data (at least one event is returned). */
  read(log: LogKey, after: Position, limit: number, maxBytes?: number): Promise<StoredEvent[]>;
  /** Epoch and leaf at a position; undefined when the log has no such position. */
  mark(log: LogKey, position: Position): Promise<LogMark | undefined>;
  /** Epochs that recoveries made of the log, oldest first. A reader without it knows of no recovery. */
  epochs?(log: LogKey): Promise<LogEpoch[]>;
}
