import { randomInt } from 'node:crypto';
import type { LogReader, LogKey, Position } from '@millrace/kernel';
import type { LogStream } from './jetstream-stream.ts';

/** A position at which stream and log do not hold the same event. */
export interface Mismatch {
  readonly position: Position;
  readonly reason: string;
}

export interface ComparisonLimits {
  /** Between two samples. */
  readonly everyMs: number;
  /** Positions drawn evenly over the whole retained range, per sample: a difference of any size is met sooner the larger it is. */
  readonly drawn: number;
  /** Positions looked at one after the other, per sample: every single one is met in the end. */
  readonly swept: number;
}

/**
 * Some 30 look-ups a second and log on the bus and in Postgres. What is drawn is dear: to find one old message JetStream reads the whole block that
 * holds it, megabytes, so five times as many took a tenth of a core per busy log.
 */
export const DEFAULT_COMPARISON: ComparisonLimits = { everyMs: 5_000, drawn: 32, swept: 128 };

const hex = (leaf: Uint8Array | undefined): string => (leaf ? Buffer.from(leaf).toString('hex') : 'none');

/**
 * Compares a stream with its log, sample by sample, over all that the stream keeps: part of each sample is drawn at random from equal strata of
 * the range, part sweeps it in order and starts over at its end.
 */
export class StreamComparison {
  private cursor: Position = 0;

  constructor(private readonly reader: LogReader, private readonly log: LogKey, private readonly limits: ComparisonLimits = DEFAULT_COMPARISON) {}

  /** One sample; undefined when all of it agrees, or there is nothing to compare. */
  async sample(stream: LogStream): Promise<Mismatch | undefined> {
    const range = await stream.range();
    if (!range || range.last < range.first) return undefined;
    for (const position of [...this.draw(range.first, range.last), ...this.sweep(range.first, range.last)]) {
      const mismatch = await this.at(stream, position);
      if (mismatch) return mismatch;
    }
    return undefined;
  }

  /** Compares one position. A message that retention took away meanwhile is no mismatch. */
  async at(stream: LogStream, position: Position): Promise<Mismatch | undefined> {
    const [message, event] = await Promise.all([stream.leafAt(position), this.reader.mark(this.log, position)]);
    if (message && event && Buffer.compare(message, event.leaf) === 0) return undefined;
    const range = await stream.range();
    if (!range || position < range.first || position > range.last) return undefined;
    if (!message) return { position, reason: `the stream lacks the message of position ${position}, or its leaf` };
    if (!event) return { position, reason: `the stream holds a message at sequence ${position}, where the log has no event` };
    return { position, reason: `the message at sequence ${position} is another event than the log's at that position (leaf ${hex(message).slice(0, 12)}…, in the log ${hex(event.leaf).slice(0, 12)}…)` };
  }

  private draw(first: Position, last: Position): Position[] {
    const count = Math.min(this.limits.drawn, last - first + 1);
    const width = (last - first + 1) / count;
    return Array.from({ length: count }, (_, stratum) => {
      const from = first + Math.floor(stratum * width);
      return randomInt(from, Math.max(from + 1, first + Math.floor((stratum + 1) * width)));
    });
  }

  private sweep(first: Position, last: Position): Position[] {
    const from = this.cursor < first || this.cursor >= last ? first : this.cursor + 1;
    const through = Math.min(last, from + this.limits.swept - 1);
    this.cursor = through;
    return Array.from({ length: through - from + 1 }, (_, index) => from + index);
  }
}
