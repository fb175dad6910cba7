import { logName, type Epoch, type LogKey } from '@millrace/kernel';
import { BackOff, pause } from './back-off.ts';
import type { ConsumerStatus } from './batch.ts';
import { LogConsumer, type LogConsumerOptions } from './log-consumer.ts';

/** A log that is new is noticed after at most this. */
const DISCOVERY_MS = 500;
/** While the event database is away, discovery slows down to this. */
const MOST_BACK_OFF_MS = 5_000;

export interface OrderedConsumersOptions extends LogConsumerOptions {
  /** Contexts whose logs are consumed, of every tenant. */
  readonly contexts: readonly string[];
  /** Told when the logs can't be listed; the loops that run already report the same outage by their state. */
  readonly onDiscoveryError?: (error: unknown) => void;
}

const keyOf = (log: LogKey): string => `${log.tenant} ${logName(log)}`;

/** All ordered loops of a service: one per log of its contexts, found as logs appear. Starting waits for nothing and never fails. */
export class OrderedConsumers {
  private readonly logs = new Map<string, LogConsumer>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: OrderedConsumersOptions) {}

  start(): void {
    this.running = this.discover();
  }

  /** Stops all loops after the batch each has in hand. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all([...this.logs.values()].map((log) => log.stop()));
  }

  status(): ConsumerStatus[] {
    return [...this.logs.values()].map((log) => log.status()).toSorted((a, b) => `${a.tenant}/${a.log}`.localeCompare(`${b.tenant}/${b.log}`));
  }

  private async discover(): Promise<void> {
    const backOff = new BackOff(DISCOVERY_MS, MOST_BACK_OFF_MS);
    while (!this.stopping.signal.aborted) {
      try {
        const heads = await this.options.reader.heads();
        for (const head of heads) this.follow(head, head.epoch);
        // A checkpoint of a log that the event database doesn't have (any more): its loop says so.
        for (const log of await this.options.handler.logs?.() ?? []) this.follow(log, 0);
        backOff.reset();
        await pause(DISCOVERY_MS, this.stopping.signal);
      } catch (error) {
        this.options.onDiscoveryError?.(error);
        await backOff.wait(this.stopping.signal);
      }
    }
  }

  private follow({ tenant, context, shard }: LogKey, epoch: Epoch): void {
    const key = { tenant, context, shard };
    if (!this.options.contexts.includes(context) || this.logs.has(keyOf(key))) return;
    const log = new LogConsumer(key, epoch, this.options);
    this.logs.set(keyOf(key), log);
    log.start();
  }
}
