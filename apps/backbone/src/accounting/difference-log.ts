import type { FactLog } from '@millrace/event-sourcing';
import type { PgEventStore } from '@millrace/event-store';
import { isDomainError, type LogKey, type Position, type Tenant } from '@millrace/kernel';
import { differenceKey, type Difference } from './difference.rule.ts';

const FOUND = 'backbone.difference.found';
const SETTLED = 'backbone.difference.settled';
const PAGE = 1000;

/** A difference that has been told and not been settled. */
export interface OpenDifference extends Difference {
  readonly since: string;
}

interface Standing { readonly open: Map<string, OpenDifference>; readonly last: Map<string, Position>; read: Position }

/**
 * Differences as the tenant's backbone/0 log tells them. What is open is read from the log, not remembered: two processes, or one that was
 * restarted, tell each finding and each settling once.
 */
export class DifferenceLog {
  private readonly tenants = new Map<Tenant, Standing>();

  constructor(private readonly store: PgEventStore, private readonly facts: FactLog) {}

  async open(tenants: Iterable<Tenant>): Promise<OpenDifference[]> {
    const all: OpenDifference[] = [];
    for (const tenant of new Set(tenants)) all.push(...(await this.standing(tenant)).open.values());
    return all;
  }

  /** Answers whether it was told now. */
  async found(difference: Difference): Promise<boolean> {
    return this.tell(FOUND, 'difference-found', difference);
  }

  async settled(difference: Difference): Promise<boolean> {
    return this.tell(SETTLED, 'difference-settled', difference);
  }

  private async tell(contract: string, word: string, { tenant, kind, about, expected, actual }: Difference): Promise<boolean> {
    const { open, last } = await this.standing(tenant);
    const key = differenceKey({ tenant, kind, about });
    // Another process may have told it since the caller looked: told on top of that, it would be a fact of its own.
    if (open.has(key) === (contract === FOUND)) return false;
    const before = last.get(key) ?? 0;
    // Made of the fact it follows on, so that two who find the same tell it once; the numbers of the first count.
    const { duplicate } = await this.facts.record({ tenant, id: `${word}/${kind}/${about}/${before}`, contract, data: { kind, about, expected, actual } })
      .catch((error: unknown) => { if (isDomainError(error) && error.code === 'fact-id-reused') return { duplicate: true }; throw error; });
    await this.standing(tenant);
    return !duplicate;
  }

  private async standing(tenant: Tenant): Promise<Standing> {
    const standing = this.tenants.get(tenant) ?? { open: new Map<string, OpenDifference>(), last: new Map<string, Position>(), read: 0 };
    this.tenants.set(tenant, standing);
    const log: LogKey = { tenant, context: 'backbone', shard: 0 };
    for (;;) {
      const events = await this.store.read(log, standing.read, PAGE);
      for (const { position, envelope, data } of events) {
        standing.read = position;
        if (envelope.type !== FOUND && envelope.type !== SETTLED) continue;
        const told = JSON.parse(Buffer.from(data).toString('utf8')) as Omit<Difference, 'tenant'>;
        const key = differenceKey({ tenant, ...told });
        standing.last.set(key, position);
        if (envelope.type === FOUND) standing.open.set(key, { tenant, kind: told.kind, about: told.about, expected: told.expected, actual: told.actual, since: envelope.time });
        else standing.open.delete(key);
      }
      if (events.length < PAGE) return standing;
    }
  }
}
