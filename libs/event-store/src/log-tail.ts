import type { Position } from '@millrace/kernel';

/** A batch on its way. */
export interface Claim {
  /** The position it follows; undefined: wherever the log ends when its turn comes. */
  readonly after: Position | undefined;
  readonly rows: number;
  readonly generation: number;
}

/** Batches that wait for the head after another process was found appending to the same log: written ahead they would fail again. */
const CONTENDED_BATCHES = 32;

/**
 * Where a log will end once the batches this store has in flight have landed, so that the next can be written while they commit. A wrong
 * guess costs the batch a second attempt, never a gap: the server checks it.
 */
export class LogTail {
  private end: Position | undefined;
  private rowsInFlight = 0;
  private contended = 0;
  /** Moves on when a batch fails: whatever was to follow it will fail too, and that is no sign of another process. */
  private generation = 0;

  /** For a batch of `rows` that is sent now; it is to be ended by `landed` or `failed`. */
  claim(rows: number): Claim {
    const after = this.end;
    this.rowsInFlight += rows;
    if (after !== undefined) this.end = after + rows;
    return { after, rows, generation: this.generation };
  }

  landed({ rows, generation }: Claim, base: Position): void {
    this.rowsInFlight -= rows;
    if (this.contended > 0) this.contended -= 1;
    // Those still on their way wait for the head: they land right behind, if this store is alone.
    if (this.end === undefined && this.contended === 0 && generation === this.generation) this.end = base + rows + this.rowsInFlight;
  }

  /** `moved`: the log did not end where the batch was to follow. */
  failed({ rows, generation }: Claim, moved: boolean): void {
    this.rowsInFlight -= rows;
    this.end = undefined;
    if (moved && generation === this.generation) this.contended = CONTENDED_BATCHES;
    this.generation += 1;
  }
}
