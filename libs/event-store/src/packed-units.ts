import type { Receipt } from './event-store.ts';
import { lengthOf } from './event-frame.ts';
import type { PreparedEvent, PreparedUnit } from './prepared-unit.ts';

/**
 * The prepared units of one call in the form in which they cross to another thread: columns of events in order, and all frames in one buffer.
 * Five hundred units as objects would cost the two threads as much again as hashing them did.
 */
export interface PackedUnits {
  readonly counted: boolean;
  readonly receipt: Receipt | undefined;
  readonly streams: readonly string[];
  readonly expectedVersions: readonly (number | 'any')[];
  /** Events of each unit. */
  readonly counts: readonly number[];
  readonly ids: readonly string[];
  readonly types: readonly string[];
  readonly versions: readonly number[];
  readonly vias: readonly string[];
  readonly receivedtimes: readonly string[];
  readonly envelopeLengths: readonly number[];
  readonly dataLengths: readonly number[];
  /** The events' frames side by side. */
  readonly slab: Uint8Array;
}

const frameBytes = ({ frame }: PreparedEvent): number => lengthOf(frame);

/** The frames of events in one piece: as they lie where they lie side by side, which those of one `prepareUnits` do. */
const slabOf = (events: readonly PreparedEvent[]): Uint8Array => {
  const first = events[0]?.frame;
  if (first === undefined) return new Uint8Array();
  let end = first.offset;
  for (const { frame } of events) {
    if (frame.slab !== first.slab || frame.offset !== end) return Buffer.concat(events.map((event) => event.frame.slab.subarray(event.frame.offset, event.frame.offset + frameBytes(event))));
    end += lengthOf(frame);
  }
  return first.slab.subarray(first.offset, end);
};

/** For units of one call, which share whether they are counted and under which receipt. */
export const packUnits = (units: readonly PreparedUnit[]): PackedUnits => {
  const events = units.flatMap((unit) => unit.events);
  return {
    counted: units[0]?.counted ?? false, receipt: units[0]?.receipt,
    streams: units.map(({ stream }) => stream), expectedVersions: units.map(({ expectedVersion }) => expectedVersion), counts: units.map((unit) => unit.events.length),
    ids: events.map(({ id }) => id), types: events.map(({ type }) => type), versions: events.map(({ version }) => version),
    vias: events.map(({ via }) => via), receivedtimes: events.map(({ receivedtime }) => receivedtime),
    envelopeLengths: events.map(({ frame }) => frame.envelopeLength), dataLengths: events.map(({ frame }) => frame.dataLength),
    slab: slabOf(events),
  };
};

/** The units that were packed; their frames share the slab, so that a batch made of them needs no copy. */
export const unpackUnits = (packed: PackedUnits): PreparedUnit[] => {
  const slab = Buffer.from(packed.slab.buffer, packed.slab.byteOffset, packed.slab.byteLength);
  let at = 0;
  let offset = 0;
  const next = (): PreparedEvent => {
    const event = {
      id: packed.ids[at]!, type: packed.types[at]!, version: packed.versions[at]!, via: packed.vias[at]!, receivedtime: packed.receivedtimes[at]!,
      frame: { slab, offset, envelopeLength: packed.envelopeLengths[at]!, dataLength: packed.dataLengths[at]! },
    };
    at += 1;
    offset += frameBytes(event);
    return event;
  };
  return packed.streams.map((stream, unit) => {
    const before = offset;
    const events = Array.from({ length: packed.counts[unit]! }, next);
    return { stream, expectedVersion: packed.expectedVersions[unit]!, counted: packed.counted, receipt: packed.receipt, events, bytes: offset - before };
  });
};
