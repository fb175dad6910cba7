import type { RejectToKeep } from './event-store.ts';

/** A reject as `keep_rejects` in sql/ takes it, as JSON. */
export interface RejectRow {
  readonly tenant: string;
  readonly reject_id: string;
  readonly via: string;
  readonly event_id: string | null;
  readonly type: string | null;
  readonly version: number | null;
  readonly pointer: string;
  readonly code: string;
  readonly reason: string;
  readonly received_at: string;
  readonly body: string;
  /** Also copy the body stored under `event_id`. */
  readonly first: boolean;
}

const MAX_TEXT = 500;

/** What is wrong with a rejected event may be its text: a listing takes any text, cut and made storable. */
const storable = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed().replaceAll('\0', '\uFFFD');

export const rejectRow = (reject: RejectToKeep, first = false): RejectRow => ({
  tenant: reject.tenant, reject_id: reject.rejectId, via: reject.via,
  event_id: reject.eventId === undefined ? null : storable(reject.eventId),
  type: reject.type === undefined ? null : storable(reject.type),
  version: Number.isInteger(reject.version) && Math.abs(reject.version!) < 2 ** 31 ? reject.version! : null,
  pointer: storable(reject.pointer), code: reject.code, reason: storable(reject.reason), received_at: reject.receivedAt,
  body: Buffer.from(reject.body).toString('base64'), first,
});
