/** Resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) return resolve();
  const done = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    resolve();
  };
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', done, { once: true });
});

/** Doubles from `firstMs` to `mostMs`; `reset` after a success. */
export class BackOff {
  private nextMs: number;

  constructor(private readonly firstMs: number, private readonly mostMs: number) {
    this.nextMs = firstMs;
  }

  reset(): void {
    this.nextMs = this.firstMs;
  }

  /** Waits, then doubles the next wait. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.nextMs;
    this.nextMs = Math.min(this.nextMs * 2, this.mostMs);
    await pause(ms, signal);
  }
}
