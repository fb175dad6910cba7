import type { RejectBodies } from '@millrace/event-store';

/** What was refused, as JSON: a whole event under seal; of a conflict the data that came, and beside it the data that stands in the log. */
export interface RejectView {
  readonly rejectId: string;
  readonly eventId?: string;
  readonly body: unknown;
  /** Of a conflict only. */
  readonly firstBody?: unknown;
}

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'));

export const toRejectView = (rejectId: string, { eventId, body, firstBody }: RejectBodies): RejectView => ({
  rejectId, ...(eventId === undefined ? {} : { eventId }), body: json(body), ...(firstBody === undefined ? {} : { firstBody: json(firstBody) }),
});
