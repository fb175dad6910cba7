import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { EventContract, EventData } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import type { SubjectKeys } from '@millrace/privacy';
import { hmacSha256 } from './hmac.ts';
import { iso } from './iso-time.ts';
import { FINGERPRINT_PURPOSE, replacePersonal } from './personal-data.ts';

/** What two deliveries of one event have in common. */
export interface FingerprintedEvent {
  readonly contract: EventContract;
  readonly source: string;
  readonly subject?: string;
  /** The producer's own time in milliseconds, as sent: not the corrected one. */
  readonly producerMs?: number;
  /** Minimised and valid, in clear. */
  readonly data: EventData;
}

const canonical = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new DomainError('invalid', 'value-not-canonical', {}, 'Only JSON has a canonical form (RFC 8785).');
  return text;
};

const blinded = (key: Uint8Array) => {
  const hmac = hmacSha256(key);
  // A text's canonical form is what JSON.stringify makes of it (RFC 8785 section 3.2.2.2), lone surrogates apart, which intake refuses.
  return (value: unknown): string => hmac(typeof value === 'string' ? JSON.stringify(value) : canonical(value));
};

/**
 * Hex of the 32-byte fingerprint by which a retry is told from a conflict (ARCHITECTURE 1.5): SHA-256 over the RFC 8785 form of type,
 * version, source, subject, the producer's time and data, each personal field (and the subject attribute of an event about a person)
 * standing as HMAC-SHA-256 under the subject's `fingerprint` key. The outer hash needs no key: what it covers besides is stored in
 * clear beside it. Sent, received and derived times are left out, since an honest retry changes them. `subject` is required when the
 * event holds personal data. Deterministic.
 */
export const fingerprintOf = (event: FingerprintedEvent, person: SubjectKeys | undefined): string => {
  const key = person?.keys.get(FINGERPRINT_PURPOSE)?.key;
  if (person && !key) throw new DomainError('unavailable', 'data-key-missing', { purpose: FINGERPRINT_PURPOSE }, 'The fingerprint key was not among the keys given; ask for it together with the subject.');
  const blind = key && blinded(key);
  const { contract, source, subject, producerMs, data } = event;
  return hash('sha256', canonical({
    type: contract.type, version: contract.version, source,
    ...(subject === undefined ? {} : { subject: blind ? blind(subject) : subject }),
    ...(producerMs === undefined ? {} : { time: iso(producerMs) }),
    data: blind ? replacePersonal(contract, data, blind) : data,
  }), 'hex');
};
