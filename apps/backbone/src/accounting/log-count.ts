import { randomInt } from 'node:crypto';
import type { EventTally } from '@millrace/event-store';
import type { LogKey, Position } from '@millrace/kernel';

/** Rows counted by one statement: some 50 ms of the database's time. */
const RANGE = 10_000;
/** Ranges counted per turn: a log of millions is counted over several turns, and the database has other work. */
const RANGES_PER_TURN = 50;

export type Tally = (log: LogKey, after: Position, through: Position) => Promise<EventTally>;

/** Counts one log of one epoch from its beginning, and goes on counting what is new; what was counted before is counted again by chance. */
export class LogCount {
  private through: Position = 0;
  private bare = 0;
  private readonly sources = new Map<string, number>();
  private readonly short = new Map<number, { from: Position; to: Position; rows: number }>();

  constructor(private readonly log: LogKey, private readonly tally: Tally) {}

  /** Counts on towards the head; true when it got there. */
  async countTo(head: Position): Promise<boolean> {
    for (let ranges = 0; this.through < head && ranges < RANGES_PER_TURN; ranges += 1) {
      const to = Math.min(head, (Math.floor(this.through / RANGE) + 1) * RANGE);
      const counted = await this.tally(this.log, this.through, to);
      this.bare += counted.bare;
      for (const [source, n] of Object.entries(counted.sources)) this.sources.set(source, (this.sources.get(source) ?? 0) + n);
      this.note(this.through + 1, to, counted.events);
      this.through = to;
    }
    await this.recount();
    return this.through >= head;
  }

  /** Events by source; undefined when some have lost their envelope. */
  bySource(): ReadonlyMap<string, number> | undefined {
    return this.bare > 0 ? undefined : this.sources;
  }

  shortRanges(): { from: Position; to: Position; rows: number }[] {
    return [...this.short.values()].toSorted((a, b) => a.from - b.from);
  }

  private note(from: Position, to: Position, rows: number): void {
    if (rows === to - from + 1) this.short.delete(from);
    else this.short.set(from, { from, to, rows });
  }

  /** One range counted before, and every one that was short. */
  private async recount(): Promise<void> {
    for (const { from, to } of this.shortRanges()) this.note(from, to, (await this.tally(this.log, from - 1, to)).events);
    if (this.through < 1) return;
    const from = randomInt(0, Math.ceil(this.through / RANGE)) * RANGE + 1;
    const to = Math.min(this.through, from + RANGE - 1);
    const { events } = await this.tally(this.log, from - 1, to);
    if (events !== to - from + 1) this.note(from, to, events);
  }
}
