import { checkWireEvent } from '@millrace/contracts';
import type { Json, JsonObject } from '@millrace/kernel';
import type { RawEvent } from './raw-event.ts';
import { accept, pointerTo, reject, type Checked } from './rejection.ts';

/** An event whose CloudEvents attributes are in order; nothing is known yet about type, grant or data. */
export interface IncomingEvent {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Of the contract; extension attribute `version`, 1 when absent. */
  readonly version: number;
  readonly subject?: string;
  /** The producer's time as sent. */
  readonly time?: string;
  /** Extension attribute `senttime`: the producer's clock when it sent the request. */
  readonly sentTime?: string;
  readonly tenant?: string;
  readonly traceparent?: string;
  readonly causationid?: string;
  readonly correlationid?: string;
  readonly data: JsonObject;
  /** Pointers of attributes we have no use for. */
  readonly dropped: readonly string[];
}

const KNOWN = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'senttime', 'datacontenttype', 'version', 'tenant', 'traceparent', 'causationid', 'correlationid']);

/** CloudEvents JSON format: an attribute that is null is absent. Header values are texts, so a version of digits is a number. */
const attributesOf = (raw: RawEvent): Record<string, Json> => {
  const attributes: Record<string, Json> = {};
  for (const [name, value] of Object.entries(raw.attributes)) {
    if (KNOWN.has(name) && value !== null) attributes[name] = name === 'version' && typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value;
  }
  return attributes;
};

const droppedOf = (raw: RawEvent): string[] => Object.keys(raw.attributes).filter((name) => !KNOWN.has(name)).map((name) => pointerTo('', name));

/**
 * Checks the context attributes of one event (CloudEvents 1.0 plus our extensions `version`, `senttime`, `tenant`, `traceparent`,
 * `causationid`, `correlationid`) and that data is a JSON object. The first fault is named (`attribute-malformed`, `data-not-json`,
 * `data-not-object`, or the limit the event broke); unknown attributes are dropped and listed. Pure.
 */
export const readCloudEvent = (raw: RawEvent): Checked<IncomingEvent> => {
  if (raw.fault) return { ok: false, rejection: raw.fault };
  if ('data_base64' in raw.attributes) return reject('/data_base64', 'data-not-json', 'Data must stand in "data" as a JSON object; base64 is not taken.');
  if (typeof raw.data !== 'object' || raw.data === null || Array.isArray(raw.data)) {
    return reject('/data', 'data-not-object', 'Data must be a JSON object, as the contract of its type describes it.');
  }
  const { tenant, ...attributes } = attributesOf(raw);
  const checked = checkWireEvent({ ...attributes, data: raw.data });
  if (!checked.ok) return reject(checked.pointer, 'attribute-malformed', `This CloudEvents attribute does not fit: ${checked.reason}.`);
  if (tenant !== undefined && typeof tenant !== 'string') return reject('/tenant', 'attribute-malformed', 'The attribute tenant is a text, or left out.');
  const { event } = checked;
  return accept({
    index: raw.index, bytes: raw.bytes, id: event.id, source: event.source, type: event.type, version: event.version ?? 1,
    subject: event.subject, time: event.time, sentTime: event.senttime, tenant,
    traceparent: event.traceparent, causationid: event.causationid, correlationid: event.correlationid,
    data: raw.data as JsonObject, dropped: droppedOf(raw),
  });
};
