import type { Context, Epoch, LogKey, Position, Tenant } from './log.ts';

/** Plain JSON, as it stands in an event's data. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** An event's data is always an object, so that fields can be added. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * What surrounds an event's data. Names are CloudEvents 1.0's where it has one. Holds no personal data: a person appears only as a
 * random subject reference. Times are ISO 8601 UTC with milliseconds.
 */
export interface Envelope {
  readonly specversion: '1.0';
  /** Unique for ever within the tenant. */
  readonly id: string;
  /** The producer's CloudEvents source. */
  readonly source: string;
  /** `<context>.<aggregate>.<past-fact>` */
  readonly type: string;
  /** Version of the type's contract, from 1. */
  readonly version: number;
  readonly tenant: Tenant;
  /** `<context>.<aggregate>/<id>`: the ordered history this event belongs to. */
  readonly stream: string;
  readonly subject?: string;
  /** When it happened, after clock correction. */
  readonly time: string;
  /** The producer's own `time`, when correction changed it. */
  readonly producertime?: string;
  readonly receivedtime: string;
  /** Set by the appender just before the commit. */
  readonly recordedtime: string;
  /** Name of the source key or service that brought it: what accounting is kept by. */
  readonly via: string;
  /** Hex of the 32-byte fingerprint of the plaintext (ARCHITECTURE 1.5). */
  readonly fingerprint: string;
  readonly traceparent?: string;
  readonly causationid?: string;
  readonly correlationid?: string;
}

/** A domain fact before it has an envelope. */
export interface DomainEvent<Type extends string = string, Data = JsonObject> {
  readonly type: Type;
  readonly version: number;
  readonly data: Data;
}

/** An event as it stands in the log. `data` are the exact bytes stored (UTF-8 JSON, personal fields sealed). */
export interface StoredEvent {
  readonly log: LogKey;
  readonly epoch: Epoch;
  readonly position: Position;
  /** Version of the stream after this event, from 1. */
  readonly streamVersion: number;
  readonly envelope: Envelope;
  /** RFC 8785 form of the envelope, as hashed. */
  readonly envelopeBytes: Uint8Array;
  readonly data: Uint8Array;
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes: SHA-256(0x00 ‖ envelopeBytes ‖ SHA-256(salt ‖ data)). */
  readonly leaf: Uint8Array;
}

/** The three parts of a type's name. */
export interface EventType {
  readonly context: Context;
  readonly aggregate: string;
  readonly fact: string;
}

/** Splits `sales.order.placed`; undefined when the text isn't of that form. */
export const parseEventType = (type: string): { context: string; aggregate: string; fact: string } | undefined => {
  const match = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)$/.exec(type);
  return match ? { context: match[1]!, aggregate: match[2]!, fact: match[3]! } : undefined;
};
