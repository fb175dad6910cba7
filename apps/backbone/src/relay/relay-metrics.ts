import type { RelayStatus } from '@millrace/event-bus';
import { logName, type LogKey, type LogReader, type Position } from '@millrace/kernel';
import { Counter, Gauge, type Registry } from 'prom-client';

const LABELS = ['tenant', 'log'] as const;
type Labels = (typeof LABELS)[number];

export interface WatchedRelay {
  status(): RelayStatus[];
}

const labelsOf = ({ tenant, log }: RelayStatus): Record<Labels, string> => ({ tenant, log });
const keyOf = ({ tenant, log, epoch }: RelayStatus): string => `${tenant} ${log} ${epoch}`;

/** What is known to be on the bus: a relay that has lost its bus knows no more of it than its last look. */
class KnownOnBus {
  private readonly positions = new Map<string, Position>();

  /** How far the log was before and is now; `before` is undefined at the first look, which tells nothing of what this process relayed. */
  look(status: RelayStatus): { before: Position | undefined; now: Position | undefined } {
    const before = this.positions.get(keyOf(status));
    const isKnown = status.relayed > 0 || status.state === 'relaying';
    const now = isKnown ? Math.max(before ?? 0, status.relayed) : before;
    if (now !== undefined) this.positions.set(keyOf(status), now);
    return { before, now };
  }
}

/** Seconds since the oldest event that is not on the bus was recorded; 0 when there is none, undefined when nobody can tell. */
const lagSeconds = async (reader: Pick<LogReader, 'read' | 'heads'>, log: LogKey, onBus: Position): Promise<number | undefined> => {
  const [waiting] = await reader.read(log, onBus, 1);
  return waiting === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(waiting.envelope.recordedtime)) / 1000);
};

/** Measured when Prometheus asks: one read for each log that lags, none for the others. */
export const measureRelay = (registry: Registry, relay: WatchedRelay, reader: Pick<LogReader, 'read' | 'heads'>): void => {
  const gauge = (name: string, help: string, value: (log: RelayStatus) => number): void => {
    new Gauge<Labels>({ name, help, labelNames: LABELS, registers: [registry], collect() { for (const log of relay.status()) this.set(labelsOf(log), value(log)); } });
  };
  gauge('millrace_relay_lag_events', 'Committed events not yet on the bus', (log) => Math.max(0, log.head - log.relayed));
  gauge('millrace_relay_diverged', '1 while a log\'s relay stands still because log and stream differ', (log) => (log.state === 'diverged' ? 1 : 0));
  const [counted, lagging] = [new KnownOnBus(), new KnownOnBus()];
  new Counter<Labels>({
    name: 'millrace_relay_events_total', help: 'Events brought to the bus since the first scrape, by whichever relay', labelNames: LABELS, registers: [registry],
    collect() {
      for (const status of relay.status()) {
        const { before, now } = counted.look(status);
        this.inc(labelsOf(status), before === undefined || now === undefined ? 0 : now - before);
      }
    },
  });
  new Gauge<Labels>({
    name: 'millrace_relay_lag_seconds', help: 'Age of the oldest committed event that is not on the bus; 0 without one', labelNames: LABELS, registers: [registry],
    async collect() {
      this.reset();
      // The event database may be away: the other metrics must still be printed, and /ready says so.
      const heads = await reader.heads().catch(() => []);
      await Promise.all(relay.status().map(async (status) => {
        const { now } = lagging.look(status);
        const head = heads.find((one) => one.tenant === status.tenant && logName(one) === status.log && one.epoch === status.epoch);
        if (now === undefined || head === undefined) return;
        const seconds = head.position <= now ? 0 : await lagSeconds(reader, head, now).catch(() => undefined);
        if (seconds !== undefined) this.set(labelsOf(status), seconds);
      }));
    },
  });
};
