import { createHash } from 'node:crypto';
import { headers as newHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { DomainError, type Envelope, type Epoch, type LogKey, type Position, type StoredEvent } from '@millrace/kernel';

export const LEAF_HEADER = 'Millrace-Leaf';
const SALT_HEADER = 'Millrace-Salt';
const VERSION_HEADER = 'Millrace-Stream-Version';
const LENGTH_BYTES = 4;

const malformed = (what: string, position: Position): DomainError =>
  new DomainError('invalid', 'message-malformed', { position }, `The message at sequence ${position} ${what}; the event is read from Postgres instead.`);

const sha256 = (...parts: readonly Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** RFC 6962 leaf hash of an event: SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)); 32 bytes. */
export const leafOf = (envelopeBytes: Uint8Array, salt: Uint8Array, data: Uint8Array): Uint8Array =>
  sha256(Uint8Array.of(0), envelopeBytes, sha256(salt, data));

/** Exact bytes of an event on the bus: 4 bytes big-endian length of the envelope, envelope, data. */
export const encodePayload = (event: Pick<StoredEvent, 'envelopeBytes' | 'data'>): Uint8Array => {
  const payload = Buffer.allocUnsafe(LENGTH_BYTES + event.envelopeBytes.length + event.data.length);
  payload.writeUInt32BE(event.envelopeBytes.length, 0);
  payload.set(event.envelopeBytes, LENGTH_BYTES);
  payload.set(event.data, LENGTH_BYTES + event.envelopeBytes.length);
  return payload;
};

export const encodeHeaders = (event: StoredEvent): MsgHdrs => {
  const headers = newHeaders();
  headers.set(LEAF_HEADER, Buffer.from(event.leaf).toString('hex'));
  headers.set(SALT_HEADER, Buffer.from(event.salt).toString('hex'));
  headers.set(VERSION_HEADER, String(event.streamVersion));
  if (event.envelope.traceparent) headers.set('traceparent', event.envelope.traceparent);
  return headers;
};

const parseEnvelope = (bytes: Uint8Array, position: Position): Envelope => {
  try {
    // Its bytes are proven by the leaf, so its shape is the store's own.
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as Envelope;
  } catch {
    throw malformed('has an envelope that is not JSON', position);
  }
};

/**
 * The event a message carries, its leaf recomputed: a changed bit anywhere is DomainError `invalid`/`message-malformed`, never a wrong event.
 * `position` is the message's stream sequence. The arrays returned are views into `payload`.
 */
export const decodeMessage = (log: LogKey, epoch: Epoch, position: Position, payload: Uint8Array, headers: MsgHdrs | undefined): StoredEvent => {
  if (payload.length < LENGTH_BYTES) throw malformed('is shorter than its length field', position);
  const end = LENGTH_BYTES + new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0);
  if (end > payload.length) throw malformed('is shorter than its envelope', position);
  const envelopeBytes = payload.subarray(LENGTH_BYTES, end);
  const data = payload.subarray(end);
  const salt = Buffer.from(headers?.get(SALT_HEADER) ?? '', 'hex');
  const leaf = Buffer.from(headers?.get(LEAF_HEADER) ?? '', 'hex');
  const streamVersion = Number(headers?.get(VERSION_HEADER) ?? '');
  if (salt.length !== 16 || leaf.length !== 32 || !Number.isSafeInteger(streamVersion) || streamVersion < 1) throw malformed('lacks leaf, salt or stream version', position);
  if (!leaf.equals(leafOf(envelopeBytes, salt, data))) throw malformed('does not hash to its leaf', position);
  return { log, epoch, position, streamVersion, envelope: parseEnvelope(envelopeBytes, position), envelopeBytes, data, salt, leaf };
};
