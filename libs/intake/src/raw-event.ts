import type { Json, JsonObject } from '@millrace/kernel';
import { countMembers, type JsonSlice } from './json-scanner.ts';
import { findJsonFault } from './json-fault.ts';
import type { IntakeLimits } from './limits.ts';
import { reject, type Rejection } from './rejection.ts';

/** One event as it came, before anything is believed about it. */
export interface RawEvent {
  /** Place in the request, from 0. */
  readonly index: number;
  /** Exact bytes, for keeping when it is rejected. In binary mode: attributes and body put together as a structured event. */
  readonly bytes: Uint8Array;
  /** CloudEvents context attributes; values of any JSON kind until checked. Empty when the event broke a limit. */
  readonly attributes: Readonly<Record<string, Json>>;
  readonly data: Json | undefined;
  /** Set when the event broke a limit or isn't I-JSON: it goes no further. */
  readonly fault?: Rejection;
}

/** Parsed JSON or the limit it broke. `broken`: not JSON at all, which spoils the request it stands in. */
export type ParsedSlice = { readonly value: Json; readonly fault?: Rejection } | { readonly broken: true } | { readonly fault: Rejection; readonly value?: undefined };

/** Parses one scanned slice within the limits. A value past a limit is not parsed; one that isn't I-JSON comes with its fault. */
export const parseSlice = (bytes: Buffer, slice: JsonSlice, limits: IntakeLimits): ParsedSlice => {
  if (slice.depth > limits.maxDepth) return { fault: reject('', 'too-deep', `An event nests at most ${limits.maxDepth} levels; this one has ${slice.depth}. Flatten it.`).rejection };
  if (slice.widest > limits.maxObjectMembers || slice.members > limits.maxMembers) {
    const reason = `An object has at most ${limits.maxObjectMembers} members and an event ${limits.maxMembers} in all; this one has ${slice.widest} and ${slice.members}. Split it.`;
    return { fault: reject('', 'too-many-members', reason).rejection };
  }
  const text = bytes.toString('utf8', slice.start, slice.end);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    // The parser's message quotes the input, which may be personal.
    return { broken: true };
  }
  if (slice.doubtful || slice.members !== countMembers(value)) {
    const checked = findJsonFault(text);
    if (!checked.ok) return { value, fault: checked.rejection };
  }
  return { value };
};

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A structured-mode event: attributes and `data` side by side in one object (CloudEvents JSON format 1.0). */
export const fromStructured = (index: number, bytes: Uint8Array, parsed: { readonly value?: Json; readonly fault?: Rejection }): RawEvent => {
  if (!isObject(parsed.value)) {
    const fault = parsed.fault ?? reject('', 'not-an-object', 'An event is a JSON object with the CloudEvents attributes and data.').rejection;
    return { index, bytes, attributes: {}, data: undefined, fault };
  }
  const { data, ...attributes } = parsed.value;
  return { index, bytes, attributes, data, ...(parsed.fault ? { fault: parsed.fault } : {}) };
};
