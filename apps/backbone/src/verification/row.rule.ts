import { hash } from 'node:crypto';
import type { LedgerRow } from '@millrace/event-store';
import { hashLeaf, type LogOrigin } from '@millrace/ledger';
import type { Finding } from './finding.ts';

/** What a row says when everything is computed anew. */
export interface RecomputedRow {
  /** Undefined when the row lacks what a leaf is made of. */
  readonly leaf: Uint8Array | undefined;
  readonly redacted: boolean;
  readonly findings: readonly Finding[];
}

const same = (one: Uint8Array | null | undefined, other: Uint8Array | null | undefined): boolean => !!one && !!other && Buffer.compare(one, other) === 0;

/** The log's entry as the tree has it: envelope ‖ digest of salt and data, or what stands in their place. Undefined for a row that is not whole. */
export const entryOf = ({ envelope, salt, data, dataDigest }: LedgerRow): Buffer | undefined => {
  const digest = dataDigest ?? (salt && data ? hash('sha256', Buffer.concat([salt, data]), 'buffer') : undefined);
  return envelope && digest ? Buffer.concat([envelope, digest]) : undefined;
};

const parsed = (envelope: Uint8Array | null): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(envelope ?? []).toString('utf8'));
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined; // told as a finding
  }
};

/** Every column beside the envelope says again what stands in it, or what its neighbours in the log prove. */
const contradictions = (log: Pick<LogOrigin, 'tenant'>, row: LedgerRow, leaf: Uint8Array | undefined): Finding[] => {
  const { position } = row;
  const envelope = parsed(row.envelope);
  const column = (what: string): Finding => ({ kind: 'column', position, what });
  if (envelope === undefined) return [column('the envelope is not JSON')];
  return [
    ...(row.id === envelope['id'] ? [] : [column('column id is not the envelope\'s')]),
    ...(row.stream === envelope['stream'] ? [] : [column('column stream is not the envelope\'s')]),
    ...(envelope['tenant'] === log.tenant ? [] : [column('column tenant is not the envelope\'s')]),
    ...(Buffer.from(row.fingerprint ?? []).toString('hex') === envelope['fingerprint'] ? [] : [column('column fingerprint is not the envelope\'s')]),
    ...(leaf === undefined || same(row.leaf, leaf) ? [] : [column('column leaf is not the hash of envelope, salt and data')]),
  ];
};

const neighbours = ({ position, streamVersion, preceded, versions, identities }: LedgerRow): Finding[] => [
  ...(streamVersion >= 1 && preceded === (streamVersion === 1 ? 0 : 1) ? [] : [{ kind: 'stream-version' as const, position, what: `stream version ${streamVersion} is not the event's rank in its stream` }]),
  ...(versions === 1 ? [] : [{ kind: 'stream-version' as const, position, what: `${versions} events have stream version ${streamVersion} of this stream` }]),
  ...(identities === 1 ? [] : [{ kind: 'identity' as const, position, what: `${identities} events have this id` }]),
];

/** A row whose body was told to be missing elsewhere: what is left of it is its place among the others. */
export const unreadableRow = (row: LedgerRow): RecomputedRow => ({ leaf: undefined, redacted: false, findings: neighbours(row) });

/** Computes a row's leaf from its bytes and holds its columns against them. */
export const recomputeRow = (log: Pick<LogOrigin, 'tenant'>, row: LedgerRow): RecomputedRow => {
  const entry = entryOf(row);
  const leaf = entry && hashLeaf(entry);
  const lacking: Finding[] = leaf === undefined ? [{ kind: 'altered', position: row.position, what: 'envelope, salt or data is missing' }] : [];
  return { leaf, redacted: row.dataDigest !== null, findings: [...lacking, ...contradictions(log, row, leaf), ...neighbours(row)] };
};
