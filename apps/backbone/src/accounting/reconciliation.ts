import { LogStream, type BusLink } from '@millrace/event-bus';
import type { PgEventStore } from '@millrace/event-store';
import { logName, type LogHead, type LogKey } from '@millrace/kernel';
import type { Standings } from '../recovery/consumer-standing.ts';
import { differencesOf, type Difference, type LogTally, type SourceTally } from './difference.rule.ts';
import { LogCount } from './log-count.ts';

const keyOf = (head: LogHead): string => `${head.tenant} ${logName(head)} ${head.epoch}`;

/**
 * One look at all counts: the counters of sources, the rows of each log, the messages of its stream, and what each consumer says it has taken.
 * Nothing is held still for it: counts that move are read before and after what they are compared with.
 */
export class Reconciliation {
  private counts = new Map<string, LogCount>();

  constructor(private readonly store: PgEventStore, private readonly link: BusLink, private readonly askConsumers: () => Promise<Standings>) {}

  async look(): Promise<Difference[]> {
    // Consumers before heads, streams before heads: whoever is ahead of a head read later is ahead indeed.
    const standings = await this.askConsumers();
    const before = new Map((await this.store.counts()).map((count) => [`${count.tenant} ${count.source}`, count]));
    const known = await this.store.heads();
    const streams = new Map(await Promise.all(known.map(async (head) => [keyOf(head), await this.streamOf(head)] as const)));
    const heads = await this.store.heads();
    this.counts = new Map(heads.map((head) => [keyOf(head), this.counts.get(keyOf(head)) ?? new LogCount(this.logOf(head), (log, after, through) => this.store.tallyEvents(log, after, through))]));
    let complete = true;
    for (const head of heads) complete = (await this.counts.get(keyOf(head))!.countTo(head.position)) && complete;
    const inLogs = this.sumBySource(heads);
    const sources = (await this.store.counts()).flatMap((after): SourceTally[] => {
      const first = before.get(`${after.tenant} ${after.source}`);
      const found = complete ? inLogs.get(after.tenant)?.get(after.source) ?? (inLogs.has(after.tenant) ? 0 : undefined) : undefined;
      return first ? [{ tenant: after.tenant, source: after.source, unanswered: after.unanswered, acceptedBefore: first.accepted, acceptedAfter: after.accepted, ...(found === undefined ? {} : { inLogs: found }) }] : [];
    });
    return differencesOf(sources, heads.map((head) => this.tallyOf(head, streams.get(keyOf(head)), standings)));
  }

  private logOf({ tenant, context, shard }: LogHead): LogKey {
    return { tenant, context, shard };
  }

  /** Per tenant; a tenant with a log whose sources are no longer all known is left out. */
  private sumBySource(heads: readonly LogHead[]): Map<string, Map<string, number>> {
    const sums = new Map<string, Map<string, number>>();
    const unknown = new Set<string>();
    for (const head of heads) {
      const bySource = this.counts.get(keyOf(head))?.bySource();
      if (!bySource) unknown.add(head.tenant);
      const sum = sums.get(head.tenant) ?? new Map<string, number>();
      for (const [source, n] of bySource ?? []) sum.set(source, (sum.get(source) ?? 0) + n);
      sums.set(head.tenant, sum);
    }
    for (const tenant of unknown) sums.delete(tenant);
    return sums;
  }

  private tallyOf(head: LogHead, stream: LogTally['stream'], standings: Standings): LogTally {
    const consumers = [...standings].flatMap(([name, list]) => (list ?? [])
      // One of another epoch is following a recovery, or diverged: both are said elsewhere.
      .filter((one) => one.tenant === head.tenant && one.log === logName(head) && one.epoch === head.epoch)
      .map(({ position, taken, takenFrom }) => ({ name, position, ...(taken === undefined ? {} : { taken }), ...(takenFrom === undefined ? {} : { takenFrom }) })));
    return { tenant: head.tenant, log: logName(head), head: head.position, ranges: this.counts.get(keyOf(head))?.shortRanges() ?? [], consumers, ...(stream ? { stream } : {}) };
  }

  private async streamOf(head: LogHead): Promise<LogTally['stream']> {
    const nc = this.link.current();
    return nc && (await LogStream.of(nc, this.logOf(head), head.epoch)).count();
  }
}
