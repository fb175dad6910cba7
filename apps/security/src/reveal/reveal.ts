import { findContract, newestContract, upcast, type EventContract, type EventData, type PersonalCategory } from '@millrace/contracts';
import type { EventStore } from '@millrace/event-store';
import { DomainError, isDomainError, type Json, type StoredEvent, type Tenant } from '@millrace/kernel';
import { listSealed, openField, type DataKey, type SealedValue } from '@millrace/privacy';
import { sharedContract, type AuditLog } from '../audit/audit-log.ts';
import type { KeyRing } from '../keys/key-ring.ts';

/** What can be revealed: fields of customer.profile.registered that are one text. */
export const REVEALABLE = ['customer-number', 'email', 'name', 'phone'] as const satisfies readonly PersonalCategory[];
export type RevealableField = (typeof REVEALABLE)[number];

export interface RevealRequest {
  readonly tenant: Tenant;
  readonly refs: readonly string[];
  readonly field: RevealableField;
  /** Stands in the audit event: a ticket or an occasion, never personal data. */
  readonly reason: string;
}
/** `not-found`: no such subject or no such field; `erased`: its key was destroyed; `damaged`: the stored value was altered. */
export type Revealed = { readonly ref: string; readonly value: string } | { readonly ref: string; readonly error: 'not-found' | 'erased' | 'damaged' };

interface Found {
  readonly eventId: string;
  readonly sealed: SealedValue;
}

/** The type whose fields are revealed. */
export const PROFILE = 'customer.profile.registered';
const revealedContract = sharedContract('security.identifier.revealed', 1);

// A profile's history is short; a longer one is read to its end, in pages.
const PAGE = 200;
/** Streams read at the same time, within the event store's few connections. */
const READS_AT_ONCE = 4;

/**
 * Opens sealed fields of customers' profiles for someone who says why. Every call is in the security log before its answer is given, also
 * the refused one: when the log can't be written nothing is revealed. Order of answers = order of references.
 */
export class Reveal {
  constructor(private readonly store: EventStore, private readonly keys: KeyRing, private readonly audit: AuditLog) {}

  /** `actor` is who the bearer token belongs to; only `operator` may. DomainError `forbidden` (`reveal-not-allowed`), `unavailable`. */
  async reveal(request: RevealRequest, actor: string, traceparent?: string): Promise<Revealed[]> {
    if (actor !== 'operator') {
      await this.#record(request, actor, { outcome: 'refused', code: 'reveal-not-allowed' }, traceparent);
      throw new DomainError('forbidden', 'reveal-not-allowed', { actor }, `Only the operator's token may reveal personal data; the token given is ${actor}'s.`);
    }
    const found = await this.#findAll(request);
    const sealed = [...found.values()].flatMap((each) => (each ? [each.sealed.$sealed] : []));
    const keys = await this.keys.keysOfEpoch(request.tenant, sealed.map(({ subject, purpose, epoch }) => ({ ref: subject, purpose, epoch })));
    const revealed = request.refs.map((ref) => open(ref, found.get(ref), keys));
    await this.#record(request, actor, { outcome: 'revealed' }, traceparent);
    return revealed;
  }

  async #findAll({ tenant, refs, field }: RevealRequest): Promise<Map<string, Found | undefined>> {
    const found = new Map<string, Found | undefined>();
    const waiting = [...new Set(refs)].values();
    await Promise.all(Array.from({ length: READS_AT_ONCE }, async () => {
      for (const ref of waiting) found.set(ref, await this.#find(tenant, ref, field));
    }));
    return found;
  }

  /** The newest value of the field in the subject's own stream. */
  async #find(tenant: Tenant, ref: string, field: RevealableField): Promise<Found | undefined> {
    let found: Found | undefined;
    for (let after = 0, more = true; more;) {
      const events = await this.store.readStream(tenant, `customer.profile/${ref}`, after, PAGE);
      for (const event of events) found = event.envelope.type === PROFILE ? sealedField(event, field) ?? found : found;
      after = events.at(-1)?.streamVersion ?? after;
      more = events.length > 0;
    }
    return found && found.sealed.$sealed.subject === ref ? found : undefined;
  }

  #record({ tenant, refs, field, reason }: RevealRequest, actor: string, outcome: EventData, traceparent?: string): Promise<void> {
    return this.audit.record({ tenant, contract: revealedContract, data: { actor, reason, field, refs: [...new Set(refs)], ...outcome }, traceparent });
  }
}

/** Where a version of the contract keeps a field. */
const pathsOf = (contract: EventContract | undefined, field: RevealableField): Set<string> =>
  new Set(contract?.protectedFields.filter(({ annotation }) => annotation.category === field).map(({ pointer }) => pointer));

const sealedField = (event: StoredEvent, field: RevealableField): Found | undefined => {
  const { data } = upcast(PROFILE, event.envelope.version, JSON.parse(Buffer.from(event.data).toString()) as EventData);
  const places = pathsOf(newestContract(PROFILE), field);
  // It stands where the newest version keeps the field, and was sealed where the version of then kept it: an upcaster moves one, never the other.
  const found = listSealed(data as Json).find(({ pointer, sealed: { $sealed: { path, typeVersion } } }) => places.has(pointer) && pathsOf(findContract(PROFILE, typeVersion), field).has(path));
  return found && { eventId: event.envelope.id, sealed: found.sealed };
};

const open = (ref: string, found: Found | undefined, keys: ReadonlyMap<string, DataKey>): Revealed => {
  if (!found) return { ref, error: 'not-found' };
  const { purpose, epoch } = found.sealed.$sealed;
  const key = keys.get(`${ref}|${purpose}|${epoch}`);
  if (!key) return { ref, error: 'erased' };
  try {
    const value = openField(found.sealed, found.eventId, key);
    return { ref, value: typeof value === 'string' ? value : JSON.stringify(value) };
  } catch (error) {
    // One damaged value among hundreds is an answer about that one.
    if (isDomainError(error) && error.code === 'sealed-value-damaged') return { ref, error: 'damaged' };
    throw error;
  }
};
