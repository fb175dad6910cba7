import type { EventStore, KnownEvent, PlacedOutcome, Receipt } from '@millrace/event-store';
import { logName, type LogKey } from '@millrace/kernel';
import type { SubjectKeyProvider } from '@millrace/privacy';
import { readEventRequest, type EventRequest } from './event-request.ts';
import { toCandidate, type Candidate } from './candidate.step.ts';
import { identify, type Identities } from './identity.step.ts';
import { INTAKE_LIMITS, type IntakeLimits } from './limits.ts';
import { placed, rejected, type EventOutcome, type IntakeReport } from './outcome.ts';
import { quarantine, type RefusedEvent } from './quarantine.step.ts';
import type { RawEvent } from './raw-event.ts';
import { reject, type Rejection } from './rejection.ts';
import { sealCandidate, type SealedEvent } from './sealing.step.ts';
import type { SourceGrant } from './source-grant.rule.ts';

/** What the pipeline asks of the event store. */
export type IntakeStore = Pick<EventStore, 'findEvents' | 'appendTo' | 'recordReceipt' | 'recordRejects'>;

/** What the pipeline asks of the world. */
export interface IntakePorts {
  readonly store: IntakeStore;
  readonly keys: SubjectKeyProvider;
  readonly limits?: IntakeLimits;
}

/** Who brought the events, and when they came in. */
export interface Delivery {
  readonly grant: SourceGrant;
  readonly receivedMs: number;
  /** Under which the events were counted as received. */
  readonly receipt?: Receipt;
  /** Of the request's span; an event's own traceparent wins. */
  readonly traceparent?: string;
}

/** One request's way through the pipeline: what has become of each raw event so far. */
class Passage {
  readonly outcomes: EventOutcome[] = [];
  readonly refused: RefusedEvent[] = [];
  dropped = 0;

  constructor(private readonly raws: readonly RawEvent[]) {}

  refuse(index: number, rejection: Rejection): void {
    const raw = this.raws[index]!;
    this.refused.push({ raw, rejection });
    this.outcomes[index] = rejected(index, raw.attributes['id'], rejection);
  }

  settle(sealed: SealedEvent, outcome: PlacedOutcome): void {
    const { incoming, dropped } = sealed.candidate;
    switch (outcome.kind) {
      case 'appended':
        this.dropped += dropped;
        this.outcomes[incoming.index] = placed(incoming.index, incoming.id, 'accepted', outcome.log, outcome.position);
        return;
      case 'duplicate':
        this.outcomes[incoming.index] = placed(incoming.index, incoming.id, 'duplicate', outcome.log, outcome.position);
        return;
      case 'conflict':
        this.outcomes[incoming.index] = rejected(incoming.index, incoming.id, conflictWith(outcome));
        return;
      default:
        throw new Error(`an append with expected version "any" came out as ${outcome.kind}`);
    }
  }
}

const conflictWith = ({ log, position }: { readonly log: LogKey; readonly position: number }): Rejection =>
  reject('/id', 'id-conflict', `Another event with this id stands at ${logName(log)} position ${position}, with other content; both are kept. A changed fact needs an id of its own.`).rejection;

const candidatesOf = (passage: Passage, raws: readonly RawEvent[], { grant, receivedMs }: Delivery): Candidate[] => raws.flatMap((raw) => {
  const checked = toCandidate(raw, grant, receivedMs);
  if (checked.ok) return [checked.value];
  passage.refuse(raw.index, checked.rejection);
  return [];
});

const append = async (store: IntakeStore, { grant: { tenant }, receipt }: Delivery, passage: Passage, events: readonly SealedEvent[]): Promise<void> => {
  const byContext = Map.groupBy(events, ({ context }) => context);
  await Promise.all([...byContext].map(async ([context, ofContext]) => {
    const units = ofContext.map(({ stream, event }) => ({ stream, expectedVersion: 'any' as const, events: [event] }));
    const outcomes = await store.appendTo(tenant, context, units, { countAs: 'intake', receipt });
    for (const [at, sealed] of ofContext.entries()) passage.settle(sealed, outcomes[at]!);
  }));
};

/** Only events about persons are looked up ahead, since only for them would something be made; the append finds the others' ids itself. */
const lookUp = async (store: IntakeStore, grant: SourceGrant, candidates: readonly Candidate[]): Promise<ReadonlyMap<string, KnownEvent>> => {
  const ids = [...new Set(candidates.filter(({ personal }) => personal !== undefined).map(({ incoming }) => incoming.id))];
  return ids.length === 0 ? new Map() : new Map((await store.findEvents(grant.tenant, ids)).map((known) => [known.id, known]));
};

const seal = (passage: Passage, candidates: readonly Candidate[], identities: Identities, known: ReadonlyMap<string, KnownEvent>, delivery: Delivery, limits: IntakeLimits): SealedEvent[] =>
  candidates.flatMap((candidate) => {
    const person = identities.get(candidate);
    const first = known.get(candidate.incoming.id);
    if (candidate.personal && !person && first) {
      passage.refuse(candidate.incoming.index, conflictWith(first));
      return [];
    }
    const sealed = sealCandidate(candidate, person, delivery, limits);
    if (sealed.ok) return [sealed.value];
    passage.refuse(candidate.incoming.index, sealed.rejection);
    return [];
  });

/**
 * Takes in one request's events: checks each, looks all known ids up at once, exchanges identifiers for subjects at once, seals, and
 * appends once per context; refused events are kept sealed. Outcomes are data, one per event in the request's order; one event's refusal
 * never touches another. Idempotent by event id: a repeated request gets `duplicate` with the first positions. DomainError
 * `unavailable` when store or keys are away or full; then any part of the request may have been stored, and sending it again is safe.
 * The caller has counted the receipt; one that a crash took back makes the answer `unavailable`.
 */
export const takeIn = async ({ store, keys, limits = INTAKE_LIMITS }: IntakePorts, raws: readonly RawEvent[], delivery: Delivery): Promise<IntakeReport> => {
  const { grant, receivedMs } = delivery;
  const passage = new Passage(raws);
  const candidates = candidatesOf(passage, raws, delivery);
  const known = await lookUp(store, grant, candidates);
  const [repeated, fresh] = [candidates.filter(({ incoming }) => known.has(incoming.id)), candidates.filter(({ incoming }) => !known.has(incoming.id))];
  const identities = await identify(keys, grant.tenant, fresh, repeated);
  await append(store, delivery, passage, seal(passage, candidates, identities, known, delivery, limits));
  const kept = await quarantine(keys, grant, new Date(receivedMs).toISOString(), passage.refused);
  if (kept.length > 0) await store.recordRejects(kept, delivery.receipt);
  return { outcomes: passage.outcomes, dropped: passage.dropped };
};

/**
 * Reads one request and takes its events in. The receipt is counted before anything is decided, so that an event lost on the way shows as
 * unanswered. Errors: those of `readEventRequest` (nothing was counted) and of `takeIn`.
 */
export const takeRequest = async (ports: IntakePorts, request: EventRequest, delivery: Omit<Delivery, 'receipt'>): Promise<IntakeReport> => {
  const raws = await readEventRequest(request, ports.limits);
  const { tenant, name } = delivery.grant;
  const receipt = raws.length === 0 ? undefined : await ports.store.recordReceipt(tenant, name, raws.length);
  return takeIn(ports, raws, { ...delivery, ...(receipt === undefined ? {} : { receipt }) });
};
