import type { LogKey, Position } from '@millrace/kernel';
import type { Database } from './database.ts';

/** What a range of positions holds, counted row by row. */
export interface EventTally {
  readonly events: number;
  /** Rows without their envelope, whose source is not known any more. */
  readonly bare: number;
  /** Events by `via`, the source key they came with. */
  readonly sources: Readonly<Record<string, number>>;
}

/** Counts the rows after `after` up to `through`, both of one log; for the relaying service only. Reads every one of them: keep ranges short. */
export const tallyEvents = async (database: Database, log: LogKey, after: Position, through: Position): Promise<EventTally> => {
  const [row] = await database.query<{ events: string; bare: string; sources: Record<string, number> }>({
    name: 'tally-events', text: 'SELECT events, bare, sources FROM millrace.tally_events($1, $2, $3, $4, $5)', values: [log.tenant, log.context, log.shard, after, through],
  });
  return { events: Number(row!.events), bare: Number(row!.bare), sources: row!.sources };
};
