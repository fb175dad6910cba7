import type { StoredEvent } from './event.ts';

/** What stands in place of a redacted event's data and salt: whoever reads the log sees these, and they are JSON and 16 bytes as before. */
export const REDACTED_DATA = '{"$redacted":true}';
export const REDACTED_SALT: Uint8Array = new Uint8Array(16);

const DATA: Uint8Array = Uint8Array.from(REDACTED_DATA, (character) => character.charCodeAt(0));

const same = (one: Uint8Array, other: Uint8Array): boolean => one.length === other.length && one.every((byte, at) => byte === other[at]);

/** Nothing is left to read of such an event, and nothing to mend. A salt is random, so no producer can write data that looks like it. */
export const isRedacted = ({ data, salt }: Pick<StoredEvent, 'data' | 'salt'>): boolean => same(salt, REDACTED_SALT) && same(data, DATA);

/** As the log gives the event once it is redacted: envelope, place and leaf stay. */
export const redactedForm = ({ log, epoch, position, streamVersion, envelope, envelopeBytes, leaf }: StoredEvent): StoredEvent =>
  ({ log, epoch, position, streamVersion, envelope, envelopeBytes, leaf, data: DATA, salt: REDACTED_SALT });
