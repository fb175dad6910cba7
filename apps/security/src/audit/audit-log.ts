import { findContract, type EventContract, type EventData } from '@millrace/contracts';
import { FactLog } from '@millrace/event-sourcing';
import type { EventStore } from '@millrace/event-store';
import type { Clock, Tenant } from '@millrace/kernel';
import { v7 } from 'uuid';

/** Accounts and sessions belong to the installation, not to one of its shops: their log is this tenant's. */
export const PLATFORM_TENANT: Tenant = 'millrace';

export interface AuditFact {
  readonly tenant: Tenant;
  readonly contract: EventContract;
  readonly data: EventData;
  readonly traceparent?: string;
}

/** A contract of the shared vocabulary; its absence is a fault of the build, not of a caller. */
export const sharedContract = (type: string, version: number): EventContract => {
  const contract = findContract(type, version);
  if (!contract) throw new Error(`The vocabulary has no ${type} version ${version}.`);
  return contract;
};

/**
 * Appends what people did to the security log. `record` returns after the fsynced commit; callers answer only then, so nothing that must
 * be audited happens unaudited. Two equal acts are two facts, so each gets an id of its own. Errors: FactLog's.
 */
export class AuditLog {
  private readonly facts: FactLog;

  constructor(store: EventStore, clock: Clock) {
    this.facts = new FactLog(store, 'security', clock);
  }

  async record(fact: AuditFact): Promise<void> {
    await this.facts.record({ id: v7(), ...fact });
  }
}
