import { pause } from '@millrace/event-bus';
import { logName, type LogHead } from '@millrace/kernel';
import { LogLedger, type LedgerParts, type LedgerStatus } from './log-ledger.ts';

export interface LedgerKeeperOptions extends LedgerParts {
  heads(): Promise<LogHead[]>;
  readonly onError?: (error: unknown) => void;
}

/** An idle database is asked twice a second where its logs end: one cheap statement. */
const LOOK_EVERY_MS = 500;

/** Keeps the trees of all logs growing, one after the other, off the write path. */
export class LedgerKeeper {
  private readonly ledgers = new Map<string, LogLedger>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: LedgerKeeperOptions) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  status(): LedgerStatus[] {
    return [...this.ledgers.values()].map((ledger) => ledger.status());
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      let more = false;
      try {
        more = await this.round();
      } catch (error) {
        this.options.onError?.(error);
      }
      if (!more) await pause(LOOK_EVERY_MS, this.stopping.signal);
    }
  }

  /** Every log gets a turn. */
  async round(): Promise<boolean> {
    const heads = await this.options.heads();
    let more = false;
    for (const head of heads) {
      if (this.stopping.signal.aborted) return false;
      if (head.position > 0) more = await this.ledgerOf(head).turn(head) || more;
    }
    return more;
  }

  private ledgerOf(head: LogHead): LogLedger {
    const key = `${head.tenant} ${logName(head)}`;
    const found = this.ledgers.get(key);
    if (found !== undefined && found.status().epoch === head.epoch) return found;
    const made = new LogLedger(head, this.options);
    this.ledgers.set(key, made);
    return made;
  }
}
