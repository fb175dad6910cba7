import { streamOf, type EventData } from '@millrace/contracts';
import type { EventToAppend } from '@millrace/event-store';
import { isDomainError, type Context, type JsonObject } from '@millrace/kernel';
import { sealFields, type SubjectKeys } from '@millrace/privacy';
import type { Candidate } from './candidate.step.ts';
import { fingerprintOf } from './fingerprint.ts';
import { iso } from './iso-time.ts';
import type { IntakeLimits } from './limits.ts';
import { accept, reject, type Checked } from './rejection.ts';
import type { SourceGrant } from './source-grant.rule.ts';

/** A candidate in the form in which it is stored. */
export interface SealedEvent {
  readonly candidate: Candidate;
  /** Whose logs it goes to. */
  readonly context: Context;
  readonly stream: string;
  readonly event: EventToAppend;
}


/** Fingerprint of a candidate, by its own text and its person's key. */
export const candidateFingerprint = ({ contract, incoming, time, data }: Candidate, person: SubjectKeys | undefined): string =>
  fingerprintOf({ contract, source: incoming.source, subject: incoming.subject, producerMs: time.producerMs, data }, person);

/**
 * Seals the personal fields and builds the envelope. The envelope's subject is the person's reference when the event is about one (a
 * producer's own subject could name them), else the producer's. Rejects what would be over the limit as stored (`event-too-large`) or
 * gives its stream no name. Pure apart from the random IVs.
 */
export const sealCandidate = (candidate: Candidate, person: SubjectKeys | undefined, request: { grant: SourceGrant; receivedMs: number; traceparent?: string }, limits: IntakeLimits): Checked<SealedEvent> => {
  const { incoming, contract, time } = candidate;
  const data: EventData = person
    ? sealFields(candidate.data as JsonObject, contract.protectedFields, person, { eventId: incoming.id, typeVersion: contract.version, subjectAt: contract.subjectAt })
    : candidate.data;
  const stream = nameStream(candidate, data);
  if (!stream.ok) return stream;
  if (Buffer.byteLength(stream.value) > limits.maxNameBytes) {
    return reject('/data', 'stream-name-too-long', `The id that names the event's stream makes its name longer than ${limits.maxNameBytes} bytes in UTF-8; shorten it.`);
  }
  const bytes = Buffer.from(JSON.stringify(data));
  if (bytes.length > limits.maxStoredBytes) {
    return reject('/data', 'event-too-large', `An event has at most ${limits.maxStoredBytes} bytes of data as stored; this one has ${bytes.length}. Split it.`);
  }
  const { id, source, type, causationid, correlationid } = incoming;
  const subject = person?.ref ?? incoming.subject;
  const traceparent = incoming.traceparent ?? request.traceparent;
  const envelope = {
    specversion: '1.0', id, source, type, version: contract.version, tenant: request.grant.tenant, stream: stream.value,
    ...(subject === undefined ? {} : { subject }),
    time: iso(time.derivedMs),
    ...(time.producerMs === undefined || time.producerMs === time.derivedMs ? {} : { producertime: iso(time.producerMs) }),
    receivedtime: iso(request.receivedMs), via: request.grant.name, fingerprint: candidateFingerprint(candidate, person),
    ...(traceparent === undefined ? {} : { traceparent }), ...(causationid === undefined ? {} : { causationid }), ...(correlationid === undefined ? {} : { correlationid }),
  } as const;
  return accept({ candidate, context: contract.context, stream: stream.value, event: { envelope, data: bytes } });
};

const nameStream = ({ contract }: Candidate, data: EventData): Checked<string> => {
  try {
    return accept(streamOf(contract, data));
  } catch (error) {
    if (!isDomainError(error) || error.kind !== 'invalid') throw error;
    return reject('/data', error.code, error.message);
  }
};
