import { DomainError, logName, type LogKey, type Position } from '@millrace/kernel';
import type { EventBody, EventRow } from './event-row.ts';
import type { EventFilter } from './log-filter.ts';

/** Where the bodies of archived events come from. Rows are one log's, in the order of their positions. */
export interface ArchivedBodies {
  /** Bodies of the first of these rows, in order: at least one, and no more once their data reaches `maxBytes`. */
  bodies(rows: readonly EventRow[], maxBytes: number): Promise<EventBody[]>;
  /** Positions from `from` to `to` whose event fits the filter, ascending, at most `limit`. */
  matching(log: LogKey, from: Position, to: Position, filter: EventFilter, limit: number): Promise<Position[]>;
}

const missing = (log: LogKey, from: Position, to: Position): DomainError => new DomainError(
  'unavailable', 'segments-not-configured', { log: logName(log), from, to },
  `Positions ${from} to ${to} of ${logName(log)} are archived, and this program was started without a folder of segments: set MILLRACE_SEGMENTS_DIR.`,
);

/** For a store that was given no folder of segments: everything that isn't archived can be read. */
export const NO_SEGMENTS: ArchivedBodies = {
  bodies: async (rows) => { throw missing(rows[0]!.log, rows[0]!.position, rows.at(-1)!.position); },
  matching: async (log, from, to) => { throw missing(log, from, to); },
};
