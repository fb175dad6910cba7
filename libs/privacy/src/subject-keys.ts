import type { Tenant } from '@millrace/kernel';

/** A 32-byte AES-256 data key of one subject for one purpose class. Purpose `fingerprint` is the HMAC key behind fingerprints. */
export interface DataKey {
  readonly purpose: string;
  readonly epoch: number;
  readonly key: Uint8Array;
}

/** What a shop calls a person by. Personal data: lives in memory only, never in an envelope, a log line or an error. */
export interface IdentifierValue {
  /** customer-number, email, visitor-id */
  readonly kind: string;
  readonly value: string;
}

/** A subject's reference and the keys asked for, by purpose. */
export interface SubjectKeys {
  readonly ref: string;
  readonly keys: ReadonlyMap<string, DataKey>;
}

/** Whose keys are wanted: identifiers in order of preference, and for which purposes. */
export interface SubjectQuestion {
  readonly identifiers: readonly IdentifierValue[];
  readonly purposes: readonly string[];
}

/**
 * Exchanges identifiers for subject references and hands out data keys. Implemented over NATS request/reply to security, sealed with
 * curve keys on the wire, behind a cache bounded in number and time. Errors: DomainError `unavailable` (`keys-unavailable`): fail closed.
 */
export interface SubjectKeyProvider {
  /** Finds or makes the subject of each identifier list (first match wins; the others are linked to it); order of answers = order of questions. */
  resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]>;
  /** Like resolve but never makes a subject; undefined when unknown or erased. */
  find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]>;
  /** Keys of known references; undefined when unknown or erased. */
  keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]>;
}
