import type { StoredEvent } from '@millrace/kernel';

/** What stands in place of a redacted event's data and salt in the log; readers, and so the lake, see the same. */
export const REDACTED_DATA = '{"$redacted":true}';
export const REDACTED_SALT: Uint8Array = new Uint8Array(16);

const DATA = Buffer.from(REDACTED_DATA);

export const isRedacted = ({ data, salt }: Pick<StoredEvent, 'data' | 'salt'>): boolean => Buffer.compare(data, DATA) === 0 && Buffer.compare(salt, REDACTED_SALT) === 0;

/** As the log gives the event once it is redacted: envelope, place and leaf stay. */
export const redactedForm = ({ log, epoch, position, streamVersion, envelope, envelopeBytes, leaf }: StoredEvent): StoredEvent =>
  ({ log, epoch, position, streamVersion, envelope, envelopeBytes, leaf, data: DATA, salt: REDACTED_SALT });
