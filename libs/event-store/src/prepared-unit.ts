import { DomainError, parseEventType, type Envelope, type LogKey } from '@millrace/kernel';
import canonicalize from 'canonicalize';
import { frameEvent, openFrame, type EventFrame } from './event-frame.ts';
import type { AppendUnit, EventToAppend } from './event-store.ts';

/** Bounds of what is stored, in bytes of UTF-8. */
export const LIMITS = { dataBytes: 512 * 1024, envelopeBytes: 16 * 1024, streamBytes: 200, idBytes: 200, unitEvents: 1000 } as const;

/** An event checked, canonicalised and hashed: all that can be done before the log's head is locked. */
export interface PreparedEvent {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly via: string;
  readonly receivedtime: string;
  readonly frame: EventFrame;
  readonly fingerprint: Uint8Array;
  readonly leaf: Uint8Array;
}

export interface PreparedUnit {
  readonly stream: string;
  readonly expectedVersion: number | 'any';
  readonly counted: boolean;
  readonly events: readonly PreparedEvent[];
  readonly bytes: number;
}

const invalid = (code: string, message: string, details: Record<string, string | number> = {}): DomainError => new DomainError('invalid', code, details, message);

const checkText = (name: 'id' | 'stream', text: string, maxBytes: number, tooLong: string): void => {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw invalid(tooLong, `An event's ${name} has at most ${maxBytes} bytes of UTF-8; this one has ${bytes}.`, { bytes, maxBytes });
  if (bytes === 0) throw invalid(`${name}-empty`, `An event needs a ${name}.`);
};

const checkEnvelope = (log: LogKey, stream: string, envelope: EventToAppend['envelope']): void => {
  checkText('id', envelope.id, LIMITS.idBytes, 'id-too-long');
  const mismatch = envelope.tenant !== log.tenant ? 'tenant' : envelope.stream !== stream ? 'stream' : parseEventType(envelope.type)?.context !== log.context ? 'type' : undefined;
  if (mismatch !== undefined) throw invalid('envelope-mismatch', `The envelope's ${mismatch} does not belong to this log and stream: append an event to the log of its tenant and context.`, { field: mismatch });
  if (!/^[0-9a-f]{64}$/.test(envelope.fingerprint)) throw invalid('fingerprint-malformed', 'A fingerprint is 64 lower-case hex digits.');
};

/** RFC 8785 form of an envelope. Refuses NUL and lone surrogates: they can't be kept as they came. */
const canonicalEnvelope = (envelope: Envelope): string => {
  if (Object.values(envelope).some((value) => typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))) {
    throw invalid('envelope-text-malformed', 'An envelope holds well-formed text without NUL characters.');
  }
  return canonicalize(envelope) ?? '';
};

const prepareEvent = (log: LogKey, stream: string, event: EventToAppend, recordedtime: string): PreparedEvent => {
  const { envelope, data } = event;
  checkEnvelope(log, stream, envelope);
  const text = canonicalEnvelope({ ...envelope, recordedtime });
  const envelopeBytes = Buffer.byteLength(text);
  if (envelopeBytes > LIMITS.envelopeBytes) throw invalid('event-too-large', `An envelope has at most ${LIMITS.envelopeBytes} bytes; this one has ${envelopeBytes}.`, { envelopeBytes });
  if (data.length > LIMITS.dataBytes) throw invalid('event-too-large', `A stored event has at most ${LIMITS.dataBytes} bytes of data; this one has ${data.length}.`, { dataBytes: data.length });
  if (data.includes(0)) throw invalid('data-malformed', 'Event data is JSON text and holds no NUL byte.');
  const frame = frameEvent(text, data, envelope.fingerprint);
  const { fingerprint, leaf } = openFrame(frame);
  return { id: envelope.id, type: envelope.type, version: envelope.version, via: envelope.via, receivedtime: envelope.receivedtime, frame, fingerprint, leaf };
};

/** Checks and prepares a unit for `log`; throws DomainError `invalid` and stores nothing when it breaks a rule. */
export const prepareUnit = (log: LogKey, unit: AppendUnit, counted: boolean, now: Date): PreparedUnit => {
  checkText('stream', unit.stream, LIMITS.streamBytes, 'stream-name-too-long');
  if (!unit.stream.startsWith(`${log.context}.`)) throw invalid('envelope-mismatch', `A stream of this log is named ${log.context}.<aggregate>/<id>.`, { field: 'stream' });
  if (unit.expectedVersion !== 'any' && !(Number.isSafeInteger(unit.expectedVersion) && unit.expectedVersion >= 0)) throw invalid('expected-version-malformed', "An expected version is 'any' or a whole number from 0.");
  if (unit.events.length > LIMITS.unitEvents) throw invalid('unit-too-large', `At most ${LIMITS.unitEvents} events are appended all or none; this unit has ${unit.events.length}.`, { events: unit.events.length });
  const recordedtime = now.toISOString();
  const events = unit.events.map((event) => prepareEvent(log, unit.stream, event, recordedtime));
  if (new Set(events.map((event) => event.id)).size < events.length) throw invalid('id-repeated', 'The events of one unit have different ids.');
  return { stream: unit.stream, expectedVersion: unit.expectedVersion, counted, events, bytes: events.reduce((sum, event) => sum + event.frame.bytes.length, 0) };
};
