import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { checkData, findContract, streamOf, type EventContract, type EventData } from '@millrace/contracts';
import type { EventStore } from '@millrace/event-store';
import { DomainError, type Clock, type Tenant } from '@millrace/kernel';
import { v7 } from 'uuid';

/** Accounts and sessions belong to the installation, not to one of its shops: their log is this tenant's. */
export const PLATFORM_TENANT: Tenant = 'millrace';

export interface AuditFact {
  readonly tenant: Tenant;
  readonly contract: EventContract;
  readonly data: EventData;
  readonly traceparent?: string;
}

const SOURCE = 'urn:millrace:security';

/** A contract of the shared vocabulary; its absence is a fault of the build, not of a caller. */
export const sharedContract = (type: string, version: number): EventContract => {
  const contract = findContract(type, version);
  if (!contract) throw new Error(`The vocabulary has no ${type} version ${version}.`);
  return contract;
};

/**
 * Appends what people did to the security log. `record` returns after the fsynced commit; callers answer only then, so nothing that must
 * be audited happens unaudited. Errors: DomainError `unavailable` (the event store's, or `audit-not-recorded`).
 */
export class AuditLog {
  constructor(private readonly store: EventStore, private readonly clock: Clock) {}

  async record({ tenant, contract, data: given, traceparent }: AuditFact): Promise<void> {
    const checked = checkData(contract, given);
    if (!checked.ok) throw new DomainError('invalid', 'audit-malformed', { type: contract.type, pointer: checked.pointer }, `The audit event does not fit its contract at ${checked.pointer}: ${checked.reason}.`);
    const { data } = checked;
    const time = this.clock.now().toISOString();
    const stream = streamOf(contract, data);
    const { type, version } = contract;
    const envelope = {
      specversion: '1.0' as const, id: v7(), source: SOURCE, type, version, tenant, stream, time, receivedtime: time, via: 'security',
      fingerprint: hash('sha256', canonicalize({ type, version, source: SOURCE, time, data }) ?? '', 'hex'),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const [outcome] = await this.store.append({ tenant, context: 'security', shard: 0 },
      [{ stream, expectedVersion: 'any', events: [{ envelope, data: Buffer.from(JSON.stringify(data)) }] }], { countAs: 'none' });
    if (outcome?.kind !== 'appended') throw new DomainError('unavailable', 'audit-not-recorded', { outcome: outcome?.kind ?? 'none' }, 'The audit event was not stored, so the call was not carried out. Try again.');
  }
}
