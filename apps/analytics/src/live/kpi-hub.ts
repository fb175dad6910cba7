import { DomainError, type Tenant } from '@millrace/kernel';
import type { KpiSnapshot } from './kpi.query.ts';

/** A console polls nothing: three times a second looks live, and bounds what a burst of commits costs. The first after a quiet time is read at once. */
const LEAST_INTERVAL_MS = 333;
/** Each holds a connection; a shop's screens are tens. */
const MOST_SUBSCRIBERS = 200;

type Listener = (snapshot: KpiSnapshot) => void;

interface Channel {
  readonly listeners: Set<Listener>;
  timer?: NodeJS.Timeout;
  /** When the last snapshot was begun, in milliseconds. */
  readAt: number;
  reading: boolean;
  /** A commit came while a snapshot was being read: it may not be in it. */
  stale: boolean;
}

/**
 * Hands each tenant's listeners a KPI snapshot when they come and after commits that changed something, at most one per interval; commits
 * in between are gathered into the next. A snapshot that can't be read is tried again after the interval.
 */
export class KpiHub {
  private readonly channels = new Map<Tenant, Channel>();
  private count = 0;

  constructor(
    private readonly read: (tenant: Tenant) => Promise<KpiSnapshot>,
    private readonly onError: (error: unknown) => void,
    private readonly mostSubscribers = MOST_SUBSCRIBERS,
  ) {}

  get subscribers(): number {
    return this.count;
  }

  /** Answers how to leave. Throws `unavailable` when there are as many listeners as may be. */
  subscribe(tenant: Tenant, listener: Listener): () => void {
    if (this.count >= this.mostSubscribers) {
      throw new DomainError('unavailable', 'too-many-streams', { most: this.mostSubscribers }, `All ${this.mostSubscribers} live streams are taken. Close one, or try again later.`);
    }
    this.count += 1;
    const channel = this.channels.get(tenant) ?? { listeners: new Set<Listener>(), readAt: -Infinity, reading: false, stale: false };
    this.channels.set(tenant, channel);
    channel.listeners.add(listener);
    this.schedule(tenant, channel, 0);
    return () => {
      if (!channel.listeners.delete(listener)) return;
      this.count -= 1;
      if (channel.listeners.size > 0) return;
      clearTimeout(channel.timer);
      this.channels.delete(tenant);
    };
  }

  /** Call it after a commit that changed the tenant's numbers. */
  changed(tenant: Tenant): void {
    const channel = this.channels.get(tenant);
    if (channel !== undefined) this.schedule(tenant, channel, Math.max(0, channel.readAt + LEAST_INTERVAL_MS - Date.now()));
  }

  private schedule(tenant: Tenant, channel: Channel, delayMs: number): void {
    if (channel.reading) channel.stale = true;
    else channel.timer ??= setTimeout(() => { void this.push(tenant, channel); }, delayMs);
  }

  private async push(tenant: Tenant, channel: Channel): Promise<void> {
    channel.timer = undefined;
    channel.reading = true;
    channel.readAt = Date.now();
    try {
      const snapshot = await this.read(tenant);
      for (const listener of channel.listeners) listener(snapshot);
    } catch (error) {
      channel.stale = true;
      this.onError(error);
    } finally {
      channel.reading = false;
    }
    const again = channel.stale && channel.listeners.size > 0;
    channel.stale = false;
    if (again) this.schedule(tenant, channel, LEAST_INTERVAL_MS);
  }
}
