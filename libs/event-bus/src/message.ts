import { hash } from 'node:crypto';
import { headers as newHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { DomainError, type Envelope, type Epoch, type LogKey, type Position, type StoredEvent } from '@millrace/kernel';

/**
 * A message on the bus: leaf (32 bytes) | salt (16) | stream version (8, big-endian) | length of the envelope (4, big-endian) | envelope |
 * data. What every message has stands in the payload, because a header costs the client and the server more than its bytes; headers are
 * left to JetStream and to tracing.
 */
const LEAF_BYTES = 32;
const SALT_BYTES = 16;
const SALT_AT = LEAF_BYTES;
const VERSION_AT = SALT_AT + SALT_BYTES;
const LENGTH_AT = VERSION_AT + 8;
const ENVELOPE_AT = LENGTH_AT + 4;

const malformed = (what: string, position: Position): DomainError =>
  new DomainError('invalid', 'message-malformed', { position }, `The message at sequence ${position} ${what}; the event is read from Postgres instead.`);

/** A view of the same bytes. */
const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const PREFIX = Uint8Array.of(0);
/** By way of a text of one character a byte: asked for as bytes, a digest costs twice as much. */
const sha256 = (...parts: readonly Uint8Array[]): Buffer => Buffer.from(hash('sha256', Buffer.concat(parts), 'binary'), 'latin1');

/** RFC 6962 leaf hash of an event: SHA-256(0x00 ‖ envelope ‖ SHA-256(salt ‖ data)); 32 bytes. */
export const leafOf = (envelopeBytes: Uint8Array, salt: Uint8Array, data: Uint8Array): Uint8Array => sha256(PREFIX, envelopeBytes, sha256(salt, data));

/** Exact bytes of an event on the bus. */
export const encodePayload = ({ leaf, salt, streamVersion, envelopeBytes, data }: Pick<StoredEvent, 'leaf' | 'salt' | 'streamVersion' | 'envelopeBytes' | 'data'>): Uint8Array => {
  const payload = Buffer.allocUnsafe(ENVELOPE_AT + envelopeBytes.length + data.length);
  payload.set(leaf, 0);
  payload.set(salt, SALT_AT);
  payload.writeBigUInt64BE(BigInt(streamVersion), VERSION_AT);
  payload.writeUInt32BE(envelopeBytes.length, LENGTH_AT);
  payload.set(envelopeBytes, ENVELOPE_AT);
  payload.set(data, ENVELOPE_AT + envelopeBytes.length);
  return payload;
};

const TYPE = Buffer.from(',"type":"');
const TRACEPARENT = Buffer.from(',"traceparent":"');

/**
 * A text attribute of an envelope in RFC 8785 form, one that needs no escapes. Inside of a text every quote is escaped, so a name with its
 * quotes stands only at its own place.
 */
const textIn = (envelope: Buffer, name: Buffer): string | undefined => {
  const at = envelope.lastIndexOf(name);
  if (at < 0) return undefined;
  const from = at + name.length;
  return envelope.toString('latin1', from, envelope.indexOf(0x22, from));
};

/** An event on its way to the bus, with what its envelope says of the way. */
export interface RoutedEvent {
  readonly event: StoredEvent;
  readonly type: string;
  /** W3C trace context, when the event belongs to a trace. */
  readonly traceparent: string | undefined;
}

/** Reads the envelope's text: parsing it would cost more than all else the relay does with an event. */
export const routed = (event: StoredEvent): RoutedEvent => {
  const envelope = viewOf(event.envelopeBytes);
  return { event, type: textIn(envelope, TYPE) ?? '', traceparent: textIn(envelope, TRACEPARENT) };
};

/** Carries the trace of an event that belongs to one: whoever takes the message goes on with it. */
export const encodeHeaders = ({ traceparent }: Pick<RoutedEvent, 'traceparent'>): MsgHdrs => {
  const headers = newHeaders();
  if (traceparent !== undefined) headers.append('traceparent', traceparent);
  return headers;
};

/** The leaf a message claims; undefined for one too short to hold it. It proves nothing before it is compared or recomputed. */
export const claimedLeaf = (payload: Uint8Array): Uint8Array | undefined => (payload.length < ENVELOPE_AT ? undefined : payload.subarray(0, LEAF_BYTES));

const parseEnvelope = (bytes: Uint8Array, position: Position): Envelope => {
  try {
    // Its bytes are proven by the leaf, so its shape is the store's own.
    return JSON.parse(viewOf(bytes).toString('utf8')) as Envelope;
  } catch {
    throw malformed('has an envelope that is not JSON', position);
  }
};

/**
 * The event a message carries, its leaf recomputed: a changed bit in envelope, data, salt or leaf is DomainError `invalid`/`message-malformed`,
 * never a wrong event. `position` is the message's stream sequence. The arrays returned are views into `payload`.
 */
export const decodeMessage = (log: LogKey, epoch: Epoch, position: Position, payload: Uint8Array): StoredEvent => {
  if (payload.length < ENVELOPE_AT) throw malformed('is shorter than what every message has', position);
  const bytes = viewOf(payload);
  const dataAt = ENVELOPE_AT + bytes.readUInt32BE(LENGTH_AT);
  if (dataAt > bytes.length) throw malformed('is shorter than its envelope', position);
  const [leaf, salt, envelopeBytes, data] = [bytes.subarray(0, LEAF_BYTES), bytes.subarray(SALT_AT, VERSION_AT), bytes.subarray(ENVELOPE_AT, dataAt), bytes.subarray(dataAt)];
  const streamVersion = Number(bytes.readBigUInt64BE(VERSION_AT));
  if (!Number.isSafeInteger(streamVersion) || streamVersion < 1) throw malformed('has no stream version', position);
  if (!leaf.equals(leafOf(envelopeBytes, salt, data))) throw malformed('does not hash to its leaf', position);
  return { log, epoch, position, streamVersion, envelope: parseEnvelope(envelopeBytes, position), envelopeBytes, data, salt, leaf };
};
