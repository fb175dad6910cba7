import type { LedgerRow } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { verifyInclusion } from '@millrace/ledger';
import { leafHash } from '@millrace/event-store';
import { proveInclusion } from '../ledger/tile-reader.ts';
import { findAnchor } from './anchor.ts';
import type { VerificationParts } from './log-verification.ts';

interface Told { readonly context?: unknown; readonly shard?: unknown; readonly position?: unknown; readonly eventId?: unknown }

/**
 * Whether a redaction is backed by its fact, and the fact by the witness: it stands in the tenant's security/0, within the cosigned tree,
 * and names this very event. A list in the database alone would excuse whatever whoever owns the database takes away.
 */
export const isBackedByFact = async ({ store, events, keys, witnessed }: VerificationParts, log: LogKey, row: LedgerRow): Promise<boolean> => {
  const listed = await store.redaction(log, row.position);
  const fact = listed && await events.findEvent(log.tenant, listed.factId);
  if (!fact || fact.log.context !== 'security' || fact.envelope.type !== 'security.event.redacted') return false;
  const told = JSON.parse(Buffer.from(fact.data).toString('utf8')) as Told;
  if (told.context !== log.context || told.shard !== log.shard || told.position !== row.position || told.eventId !== row.id) return false;
  const anchor = await findAnchor(store, fact.log, keys, witnessed);
  if (!anchor || fact.position > anchor.checkpoint.size) return false;
  const leaf = leafHash(fact.envelopeBytes, fact.salt, fact.data);
  const path = await proveInclusion(store, anchor.origin, fact.position - 1, anchor.checkpoint.size);
  return verifyInclusion(fact.position - 1, anchor.checkpoint.size, leaf, anchor.checkpoint.root, path);
};
