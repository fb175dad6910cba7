import { DomainError } from '@millrace/kernel';
import type { IdentifierValue } from './subject-keys.ts';

/** Longest identifier taken, in UTF-16 units: an e-mail address has at most 254. */
export const MAX_IDENTIFIER_LENGTH = 320;
const KIND = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * The form under which an identifier is looked up: Unicode NFC, trimmed, e-mail in lower case (shops treat it so, whatever RFC 5321
 * allows). Idempotent. DomainError `invalid` (`identifier-malformed`) for an unknown form of kind, an empty or too long value, NUL or a
 * lone surrogate; the value never stands in the error.
 */
export const normaliseIdentifier = ({ kind, value }: IdentifierValue): IdentifierValue => {
  const text = value.normalize('NFC').trim();
  const normal = kind === 'email' ? text.toLowerCase().normalize('NFC') : text;
  if (KIND.test(kind) && normal.length > 0 && normal.length <= MAX_IDENTIFIER_LENGTH && normal.isWellFormed() && !normal.includes('\0')) return { kind, value: normal };
  throw new DomainError('invalid', 'identifier-malformed', { kind: kind.slice(0, 32), length: value.length }, `An identifier is 1 to ${MAX_IDENTIFIER_LENGTH} well-formed characters of a kind like customer-number; got ${value.length}.`);
};

/** One text for (kind, value); kinds hold no NUL, so two identifiers never share one. */
export const identifierText = ({ kind, value }: IdentifierValue): string => `${kind}\0${value}`;
