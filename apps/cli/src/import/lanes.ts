import type { WireEvent } from '@millrace/contracts';
import { EventBatch, laneOf, streamKeyOf } from './event-batch.ts';

/**
 * Sends batches with one request in flight per lane. Events of one stream share a lane, so they arrive in their order; streams of
 * different lanes may overtake each other. Holds at most two batches per lane, one on its way and one being filled.
 */
export class Lanes {
  private readonly pending: EventBatch[];
  private readonly inFlight: Promise<void>[];
  private readonly send: (batch: EventBatch) => Promise<void>;
  private failure: { readonly error: unknown } | undefined;

  constructor(count: number, send: (batch: EventBatch) => Promise<void>) {
    this.send = send;
    this.pending = Array.from({ length: count }, () => new EventBatch());
    this.inFlight = Array.from({ length: count }, () => Promise.resolve());
  }

  /** Resolves when there is room again. Throws the first failure of any lane. */
  async add(event: WireEvent, lines: number): Promise<void> {
    const lane = laneOf(streamKeyOf(event), this.pending.length);
    if (this.pending[lane]?.add(event, lines) === true) return;
    await this.flush(lane);
    this.pending[lane]?.add(event, lines);
  }

  /** Sends what is left and waits for every answer. */
  async finish(): Promise<void> {
    await Promise.all(this.pending.map((_, lane) => this.flush(lane)));
    await this.settled();
    this.throwFailure();
  }

  /** Waits for requests on their way, whatever becomes of them: their answers still reach the journal. */
  async settled(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  private async flush(lane: number): Promise<void> {
    await this.inFlight[lane];
    this.throwFailure();
    const batch = this.pending[lane];
    if (batch === undefined || batch.size === 0) return;
    this.pending[lane] = new EventBatch();
    this.inFlight[lane] = this.send(batch).catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
