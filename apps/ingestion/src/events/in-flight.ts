import { HttpProblem } from '@millrace/service-kit';
import { Gauge, type Registry } from 'prom-client';

export interface InFlightBounds {
  readonly maxRequests: number;
  readonly maxBytes: number;
}

/** A commit takes milliseconds: a second is long enough for the queue to be short again. */
const RETRY_AFTER_SECONDS = 1;

/** Bounds what is taken in at once, so that a flood costs its senders a wait and not the process its memory. */
export class InFlight {
  private requests = 0;
  private bytes = 0;

  constructor(private readonly bounds: InFlightBounds, registry: Registry) {
    const watched = { millrace_intake_in_flight_requests: () => this.requests, millrace_intake_in_flight_bytes: () => this.bytes };
    for (const [name, read] of Object.entries(watched)) {
      new Gauge({ name, help: 'What POST /v1/events is taking in just now', registers: [registry], collect() { this.set(read()); } });
    }
  }

  /** Runs `work` when there is room for `bytes`; HttpProblem 429 (`intake-busy`, Retry-After) when there is none. One request always fits. */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.requests > 0 && (this.requests >= this.bounds.maxRequests || this.bytes + bytes > this.bounds.maxBytes)) {
      throw new HttpProblem(429, 'intake-busy', 'The intake is at its bound of requests taken in at once. Nothing was taken in; send the request again after Retry-After seconds.', {}, RETRY_AFTER_SECONDS);
    }
    this.requests += 1;
    this.bytes += bytes;
    try {
      return await work();
    } finally {
      this.requests -= 1;
      this.bytes -= bytes;
    }
  }
}
