/** Does the same every `everyMs`, one run at a time. A run that fails is reported, and the next turn comes all the same. */
export class PeriodicTask {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly run: () => Promise<unknown>, private readonly everyMs: number, private readonly onError: (error: unknown) => void) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.turn().then(() => { if (this.timer !== undefined) this.start(); });
    }, this.everyMs);
  }

  /** A run in progress is finished first. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.running;
  }

  private async turn(): Promise<void> {
    try {
      await this.run();
    } catch (error) {
      this.onError(error);
    }
  }
}
