import { createHmac, randomBytes } from 'node:crypto';
import { DomainError, isDomainError } from '@millrace/kernel';
import { identifierText, normaliseIdentifier, openBytes, sealBytes, type IdentifierValue } from '@millrace/privacy';

// Each wrapped key is bound to its place by AES-GCM's additional data, so that rows can't be swapped in the database. The root key
// wraps subject keys and tenants' look-up keys; a subject key wraps that subject's data keys, so dropping its row erases them all.
// "|" occurs in no part: tenants, references and purposes are of a-z, 0-9, "-" and "_".

export interface KeyPlace {
  readonly tenant: string;
  readonly ref: string;
}
export interface DataKeyPlace extends KeyPlace {
  readonly purpose: string;
  readonly epoch: number;
}

const subjectPlace = ({ tenant, ref }: KeyPlace): Buffer => Buffer.from(`${tenant}|${ref}`);
const dataPlace = ({ tenant, ref, purpose, epoch }: DataKeyPlace): Buffer => Buffer.from(`${tenant}|${ref}|${purpose}|${epoch}`);
const lookupPlace = (tenant: string): Buffer => Buffer.from(`${tenant}|identity-lookup`);

const unwrap = (wrapping: Uint8Array, wrapped: Uint8Array, place: Buffer): Buffer => {
  try {
    return openBytes(wrapping, wrapped, place);
  } catch (error) {
    if (!isDomainError(error)) throw error;
    throw new DomainError('unavailable', 'key-not-openable', {}, 'A wrapped key does not open: the root key is not the one this key database was made with, or the row was altered. Restore the right one.');
  }
};

/** 32 random bytes. */
export const newKey = (): Buffer => randomBytes(32);

/** `sub_` and 128 random bits: says nothing about the person. */
export const newReference = (): string => `sub_${randomBytes(16).toString('hex')}`;

export const wrapSubjectKey = (root: Uint8Array, key: Uint8Array, place: KeyPlace): Buffer => sealBytes(root, key, subjectPlace(place));
export const unwrapSubjectKey = (root: Uint8Array, wrapped: Uint8Array, place: KeyPlace): Buffer => unwrap(root, wrapped, subjectPlace(place));
export const wrapDataKey = (subjectKey: Uint8Array, key: Uint8Array, place: DataKeyPlace): Buffer => sealBytes(subjectKey, key, dataPlace(place));
export const unwrapDataKey = (subjectKey: Uint8Array, wrapped: Uint8Array, place: DataKeyPlace): Buffer => unwrap(subjectKey, wrapped, dataPlace(place));
export const wrapLookupKey = (root: Uint8Array, key: Uint8Array, tenant: string): Buffer => sealBytes(root, key, lookupPlace(tenant));
export const unwrapLookupKey = (root: Uint8Array, wrapped: Uint8Array, tenant: string): Buffer => unwrap(root, wrapped, lookupPlace(tenant));

/** HMAC-SHA-256 of the normalised identifier: equal identifiers meet within a tenant, and nobody without the tenant's key can guess them. */
export const identifierMac = (lookupKey: Uint8Array, identifier: IdentifierValue): Buffer =>
  createHmac('sha256', lookupKey).update(identifierText(normaliseIdentifier(identifier))).digest();
