import { DomainError, parseEventType, type LogKey } from '@millrace/kernel';
import { canonicalEnvelope } from './canonical-envelope.ts';
import { frameEvent, frameLength, type EventFrame, type FrameSource } from './event-frame.ts';
import type { AppendUnit, Counting, EventToAppend, Receipt } from './event-store.ts';

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
}

export interface PreparedUnit {
  readonly stream: string;
  readonly expectedVersion: number | 'any';
  readonly counted: boolean;
  /** Without which its outcomes must not be counted. */
  readonly receipt?: Receipt;
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

/** Everything of an event but its frame. */
interface Draft {
  readonly event: EventToAppend;
  readonly source: FrameSource;
  readonly length: number;
}

const draftOf = (log: LogKey, stream: string, event: EventToAppend, recordedtime: string): Draft => {
  const { envelope, data } = event;
  checkEnvelope(log, stream, envelope);
  const source = { envelope: canonicalEnvelope(envelope, recordedtime), data, fingerprint: envelope.fingerprint };
  const envelopeBytes = Buffer.byteLength(source.envelope);
  if (envelopeBytes > LIMITS.envelopeBytes) throw invalid('event-too-large', `An envelope has at most ${LIMITS.envelopeBytes} bytes; this one has ${envelopeBytes}.`, { envelopeBytes });
  if (data.length > LIMITS.dataBytes) throw invalid('event-too-large', `A stored event has at most ${LIMITS.dataBytes} bytes of data; this one has ${data.length}.`, { dataBytes: data.length });
  if (data.includes(0)) throw invalid('data-malformed', 'Event data is JSON text and holds no NUL byte.');
  return { event, source, length: frameLength(source) };
};

const checkUnit = (log: LogKey, unit: AppendUnit): void => {
  checkText('stream', unit.stream, LIMITS.streamBytes, 'stream-name-too-long');
  if (!unit.stream.startsWith(`${log.context}.`)) throw invalid('envelope-mismatch', `A stream of this log is named ${log.context}.<aggregate>/<id>.`, { field: 'stream' });
  if (unit.expectedVersion !== 'any' && !(Number.isSafeInteger(unit.expectedVersion) && unit.expectedVersion >= 0)) throw invalid('expected-version-malformed', "An expected version is 'any' or a whole number from 0.");
  if (unit.events.length > LIMITS.unitEvents) throw invalid('unit-too-large', `At most ${LIMITS.unitEvents} events are appended all or none; this unit has ${unit.events.length}.`, { events: unit.events.length });
  if (unit.events.length > 1 && new Set(unit.events.map((event) => event.envelope.id)).size < unit.events.length) throw invalid('id-repeated', 'The events of one unit have different ids.');
};

const prepareEvent = ({ event: { envelope }, source }: Draft, slab: Buffer, offset: number): PreparedEvent =>
  ({ id: envelope.id, type: envelope.type, version: envelope.version, via: envelope.via, receivedtime: envelope.receivedtime, frame: frameEvent(source, slab, offset) });

/**
 * Checks and prepares the units of one call; throws DomainError `invalid`, before anything is stored, when one breaks a rule. All frames
 * lie side by side in one buffer, so that a batch made of the call needs no copy.
 */
export const prepareUnits = (log: LogKey, units: readonly AppendUnit[], counting: Counting, now: Date): PreparedUnit[] => {
  const [counted, receipt] = [counting.countAs === 'intake', counting.receipt];
  const recordedtime = now.toISOString();
  const drafts = units.map((unit) => {
    checkUnit(log, unit);
    return unit.events.map((event) => draftOf(log, unit.stream, event, recordedtime));
  });
  const slab = Buffer.allocUnsafe(drafts.reduce((sum, unit) => sum + bytesOf(unit), 0));
  let offset = 0;
  return units.map(({ stream, expectedVersion }, index) => {
    const events = drafts[index]!.map((draft) => {
      const event = prepareEvent(draft, slab, offset);
      offset += draft.length;
      return event;
    });
    return { stream, expectedVersion, counted, receipt, events, bytes: bytesOf(drafts[index]!) };
  });
};

const bytesOf = (drafts: readonly Draft[]): number => drafts.reduce((sum, draft) => sum + draft.length, 0);
