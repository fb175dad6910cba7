import type { KnownEvent, PgEventStore, PlacedOutcome, Receipt, RejectToKeep } from '@millrace/event-store';
import { unpackUnits, type PackedUnits } from '@millrace/event-store/prepared';
import type { Delivery, EventRequest } from '@millrace/intake';
import type { Context, Tenant } from '@millrace/kernel';
import type { IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from '@millrace/privacy';
import type { MessagePort } from 'node:worker_threads';

/** One request on its way to a thread. */
export interface ThreadTask {
  readonly headers: EventRequest['headers'];
  readonly body: Uint8Array;
  readonly delivery: Omit<Delivery, 'receipt'>;
}

/** The first thing a thread says: where it asks for what it has no connections for. */
export interface ThreadHello {
  readonly callsPort: MessagePort;
}

/** What a thread is given when it starts. */
export interface ThreadSettings {
  /** Of a fault drill: its clock is off by as much as the service's. */
  readonly clockOffsetMs: number;
  /** Subjects whose keys it holds at most. */
  readonly maxSubjects: number;
}

/** What an intake thread asks of the thread that holds the connections. */
export interface IntakeCalls {
  recordReceipt(tenant: Tenant, via: string, received: number): Promise<Receipt>;
  findEvents(tenant: Tenant, ids: readonly string[]): Promise<KnownEvent[]>;
  appendPacked(tenant: Tenant, context: Context, packed: PackedUnits): Promise<PlacedOutcome[]>;
  recordRejects(rejects: readonly RejectToKeep[], receipt: Receipt | undefined): Promise<void>;
  resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]>;
  find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]>;
  keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]>;
}

/** A key may be a view into a buffer it shares with others, and a clone takes the whole buffer along. */
const detached = ({ ref, keys }: SubjectKeys): SubjectKeys =>
  ({ ref, keys: new Map([...keys].map(([purpose, { epoch, key }]) => [purpose, { purpose, epoch, key: Uint8Array.from(key) }])) });
const detachedOrNone = (answer: SubjectKeys | undefined): SubjectKeys | undefined => answer && detached(answer);

export const intakeCalls = (store: Pick<PgEventStore, 'recordReceipt' | 'findEvents' | 'appendPrepared' | 'recordRejects'>, keys: SubjectKeyProvider): IntakeCalls => ({
  recordReceipt: (tenant, via, received) => store.recordReceipt(tenant, via, received),
  findEvents: async (tenant, ids) => (await store.findEvents(tenant, ids)).map((known) => ({ ...known, fingerprint: Uint8Array.from(known.fingerprint) })),
  appendPacked: (tenant, context, packed) => store.appendPrepared(tenant, context, unpackUnits(packed)),
  recordRejects: (rejects, receipt) => store.recordRejects(rejects, receipt),
  resolve: async (tenant, questions) => (await keys.resolve(tenant, questions)).map(detached),
  find: async (tenant, identifiers, purposes) => (await keys.find(tenant, identifiers, purposes)).map(detachedOrNone),
  keysOf: async (tenant, refs, purposes) => (await keys.keysOf(tenant, refs, purposes)).map(detachedOrNone),
});
