import type { LogExplanation } from '@millrace/contracts';
import type { FactLog } from '@millrace/event-sourcing';
import type { PgEventStore } from '@millrace/event-store';
import { isDomainError, parseLogName, type LogEpoch, type LogKey } from '@millrace/kernel';
import type { EvidenceCollector, LogFilter } from './evidence.ts';
import { explain } from './explanation.rule.ts';

/** A log whose epoch stands on a recovery, told in the tenant's backbone/0 log. */
export interface RecoveredLog {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly previousEpoch: number;
}

/**
 * Explains where logs, bus and consumers have parted, and mends it: the log gets a new epoch, so that whatever still speaks of the old one is
 * refused; the relay then fills a new stream, and consumers follow by themselves. Every step can be repeated: whatever a recovery that was cut
 * off left undone, the next one does.
 */
export class Recovery {
  constructor(private readonly store: PgEventStore, private readonly facts: FactLog, private readonly evidence: EvidenceCollector) {}

  /** Changes nothing. */
  async explain(filter: LogFilter): Promise<LogExplanation[]> {
    return (await this.evidence.collect(filter)).map(explain);
  }

  async recover(filter: LogFilter, reason: string): Promise<RecoveredLog[]> {
    const recovered: RecoveredLog[] = [];
    for (const explanation of await this.explain(filter)) {
      const log = parseLogName(explanation.tenant, explanation.log);
      if (explanation.state === 'diverged') await this.renew(log, explanation, reason);
      const made = (await this.store.epochs(log)).at(-1);
      if (!made || (explanation.state === 'agrees' && explanation.recovery === undefined)) continue;
      const toldBefore = await this.tell(log, made);
      if (toldBefore && explanation.state === 'agrees') continue;
      recovered.push({ tenant: log.tenant, log: explanation.log, epoch: made.epoch, previousEpoch: made.previousEpoch });
    }
    return recovered;
  }

  private async renew(log: LogKey, { epoch, greatestEpoch, agreesThrough, previousHead }: LogExplanation, reason: string): Promise<void> {
    await this.store.renewEpoch(log, { expected: epoch, above: greatestEpoch, from: agreesThrough + 1, previousHead, reason });
  }

  /** The fact is made of the epoch's row alone, so that it is the same however often it is told. True when it had been told before. */
  private async tell(log: LogKey, { epoch, previousEpoch, head, previousHead, reason, at }: LogEpoch): Promise<boolean> {
    const record = () => this.facts.record({
      tenant: log.tenant, id: `recovered/${log.context}/${log.shard}/${epoch}`, contract: 'backbone.log.recovered', time: at,
      data: { context: log.context, shard: log.shard, epoch, previousEpoch, head, previousHead, reason },
    });
    try {
      return (await record()).duplicate;
    } catch (error) {
      // Our own store had learnt the epoch that backbone/0 had before it was recovered itself; it takes the new one now.
      if (!isDomainError(error) || error.code !== 'epoch-renewed') throw error;
      return (await record()).duplicate;
    }
  }
}
