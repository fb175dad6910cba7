import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { checkData, newestContract, streamOf, type EventContract, type EventData } from '@millrace/contracts';
import { currentTraceparent } from '@millrace/event-bus';
import type { EventStore } from '@millrace/event-store';
import { DomainError, systemClock, type Clock, type Position, type Tenant } from '@millrace/kernel';

/** Something a service did itself and has to answer for: a recovery, an archived range, a discarded event, an audited look at personal data. */
export interface OwnFact {
  readonly tenant: Tenant;
  /** Unique for ever in the tenant. Made from what is told, as in `recovered/sales/0/<epoch>`: a repetition after a lost answer is then stored once. */
  readonly id: string;
  /** The type's newest contract, by its name, or a contract the service keeps to itself. It must not hold personal fields: nothing is sealed here. */
  readonly contract: string | EventContract;
  readonly data: EventData;
  /** When it happened, if not now. Part of what is compared when the id is used again. */
  readonly time?: string;
  readonly causationId?: string;
  readonly correlationId?: string;
  /** Of the request that led to it; the current span's unless told. */
  readonly traceparent?: string;
}

/** Where a fact stands in the shard 0 of its context's log; `duplicate` when this very fact had been stored before. */
export interface RecordedFact {
  readonly position: Position;
  readonly duplicate: boolean;
}

const contractNamed = (type: string): EventContract => {
  const found = newestContract(type);
  if (!found) throw new DomainError('invalid', 'contract-missing', { type }, `The vocabulary has no ${type}: define its contract in libs/contracts first.`);
  return found;
};

/** What two tellings of one fact have in common; the moment of telling is not. */
const fingerprintOf = (contract: EventContract, source: string, { time, data }: Pick<OwnFact, 'time' | 'data'>): string =>
  hash('sha256', canonicalize({ type: contract.type, version: contract.version, source, data, ...(time === undefined ? {} : { time }) }) ?? '', 'hex');

/**
 * How a service appends facts about its own operation to its own context. `record` returns after the fsynced commit, so whoever acts only then
 * does nothing untold. Idempotent by the fact's id. Errors: DomainError `invalid` (`fact-malformed`, `fact-personal`, `contract-missing`),
 * `conflict` (`fact-id-reused`), `unavailable` (the event store's), `forbidden` when the manifest doesn't let the service append the context.
 */
export class FactLog {
  private readonly source: string;

  constructor(private readonly store: Pick<EventStore, 'append'>, private readonly service: string, private readonly clock: Clock = systemClock) {
    this.source = `urn:millrace:${service}`;
  }

  async record(fact: OwnFact): Promise<RecordedFact> {
    const contract = typeof fact.contract === 'string' ? contractNamed(fact.contract) : fact.contract;
    const data = this.checked(contract, fact.data);
    const stream = streamOf(contract, data);
    const now = this.clock.now().toISOString();
    const traceparent = fact.traceparent ?? currentTraceparent();
    const envelope = {
      specversion: '1.0' as const, id: fact.id, source: this.source, type: contract.type, version: contract.version, tenant: fact.tenant, stream,
      time: fact.time ?? now, receivedtime: now, via: this.service, fingerprint: fingerprintOf(contract, this.source, { ...fact, data }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(fact.causationId === undefined ? {} : { causationid: fact.causationId }),
      ...(fact.correlationId === undefined ? {} : { correlationid: fact.correlationId }),
    };
    const unit = { stream, expectedVersion: 'any' as const, events: [{ envelope, data: Buffer.from(JSON.stringify(data)) }] };
    const [outcome] = await this.store.append({ tenant: fact.tenant, context: contract.context, shard: 0 }, [unit], { countAs: 'none' });
    if (outcome?.kind === 'appended' || outcome?.kind === 'duplicate') return { position: outcome.position, duplicate: outcome.kind === 'duplicate' };
    throw new DomainError('conflict', 'fact-id-reused', { type: contract.type, outcome: outcome?.kind ?? 'none' }, `A ${contract.type} was not stored: its id was used before for another fact. Make ids from what they tell.`);
  }

  private checked(contract: EventContract, data: EventData): EventData {
    if (contract.protectedFields.length > 0) throw new DomainError('invalid', 'fact-personal', { type: contract.type }, `${contract.type} has personal fields, which only intake seals. Tell a subject by its reference.`);
    const checked = checkData(contract, data);
    if (checked.ok) return checked.data;
    throw new DomainError('invalid', 'fact-malformed', { type: contract.type, pointer: checked.pointer }, `A ${contract.type} does not fit its contract at ${checked.pointer}: ${checked.reason}.`);
  }
}
