import type { Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';
import type { Receipt, RejectToKeep } from './event-store.ts';
import { rejectRow } from './reject-row.ts';

const MAX_LISTED = 1000;

/** Keeps rejects and counts those not kept before, in one transaction: idempotent by (tenant, rejectId). */
export const recordRejects = async (database: Database, rejects: readonly RejectToKeep[], receipt?: Receipt): Promise<void> => {
  if (rejects.length === 0) return;
  await database.query({
    name: 'rejects', text: 'SELECT millrace.record_rejects($1) WHERE $2::uuid IS NULL OR millrace.receipts_stand($2)',
    values: [JSON.stringify(rejects.map((reject) => rejectRow(reject))), receipt?.run ?? null],
  });
};

interface ListedRow {
  readonly tenant: string; readonly reject_id: string; readonly via: string; readonly event_id: string | null; readonly type: string | null; readonly version: number | null;
  readonly pointer: string; readonly code: string; readonly reason: string; readonly received_at: Date;
}

/** Newest first, without bodies. `beforeId`: those kept before that one. */
export const listRejects = async (database: Database, tenant: Tenant, limit: number, beforeId?: string): Promise<Omit<RejectToKeep, 'body'>[]> => {
  const rows = await database.query<ListedRow>({
    name: 'list-rejects',
    text: `SELECT tenant, reject_id, via, event_id, type, version, pointer, code, reason, received_at FROM log.reject
      WHERE tenant = $1 AND ($2::text IS NULL OR seq < (SELECT b.seq FROM log.reject b WHERE b.tenant = $1 AND b.reject_id = $2)) ORDER BY seq DESC LIMIT $3`,
    values: [tenant, beforeId ?? null, Math.min(limit, MAX_LISTED)],
  });
  return rows.map((row) => ({
    tenant: row.tenant, via: row.via, rejectId: row.reject_id, pointer: row.pointer, code: row.code, reason: row.reason, receivedAt: row.received_at.toISOString(),
    ...(row.event_id === null ? {} : { eventId: row.event_id }), ...(row.type === null ? {} : { type: row.type }), ...(row.version === null ? {} : { version: row.version }),
  }));
};

/** What was sent under a reject's id, protected as it was stored; `firstBody`: the stored event's, for a conflict. */
export interface RejectBodies {
  readonly eventId?: string;
  readonly body: Uint8Array;
  readonly firstBody?: Uint8Array;
}

/** `firstBody` is absent when the stored event had been archived by then: it is in the log. */
export const rejectBodies = async (database: Database, tenant: Tenant, rejectId: string): Promise<RejectBodies | undefined> => {
  const [row] = await database.query<{ event_id: string | null; body: Buffer; first_body: Buffer | null }>({
    name: 'reject-bodies', text: 'SELECT event_id, body, first_body FROM millrace.reject_bodies($1, $2)', values: [tenant, rejectId],
  });
  return row === undefined ? undefined : { body: row.body, ...(row.event_id === null ? {} : { eventId: row.event_id }), ...(row.first_body === null ? {} : { firstBody: row.first_body }) };
};
