import { DomainError } from '@millrace/kernel';

/** SQLSTATEs raised by our own functions (sql/0004_append_ahead.sql). */
export const EPOCH_RENEWED = 'MR001';
export const STREAM_REFUSED = 'MR002';
/** Raised by sql/0005_log_shards.sql. */
export const SHARDS_ONLY_GROW = 'MR003';
/** Raised by sql/0007_archive.sql. */
const ARCHIVE_REFUSALS: Readonly<Record<string, readonly [code: string, message: string]>> = {
  MR007: ['archive-contended', 'Another run has archived that range meanwhile; nothing was changed. Ask for the standing and go on from there.'],
  MR008: ['archive-unproven', 'The range goes beyond the last cosigned checkpoint of the log\'s epoch: its rows are the only proof of what they hold. Nothing was archived.'],
  MR009: ['segment-differs', 'A segment holds other bytes than the rows it was to take over: they were changed after it was written. Nothing was taken out of them; verify the ledger.'],
};
export const LOG_MOVED = 'MR004';
/** Raised by sql/0014_receipts.sql. */
export const RECEIPT_LOST = 'MR015';
/** The key on positions: taken by another process while the batch was written ahead. */
const PLACE_KEY = 'event_place';
const UNIQUE_VIOLATION = '23505';

/** What an error says about the transaction it ended. */
export type FailureKind =
  /** The world differs from what the batch took for granted (a known id, another version): look and plan again. Nothing was written. */
  | 'surprised'
  /** Written ahead to a place that is not the log's end (any more): the same again, under the lock. Nothing was written. */
  | 'moved'
  /** Lost to a deadlock or serialisation: the same again. Nothing was written. */
  | 'collided'
  /** The connection went away: it may have been committed or not. */
  | 'lost'
  /** Refused; nothing was written and the same again won't help. */
  | 'refused';

/** The code an error carries: an SQLSTATE, or one of Node's own. */
export const sqlStateOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** An SQLSTATE is five capitals or digits; Node's own codes (ECONNRESET) are longer. */
const isSqlState = (code: string | undefined): code is string => code !== undefined && /^[0-9A-Z]{5}$/.test(code);

export const failureKind = (error: unknown): FailureKind => {
  const code = sqlStateOf(error);
  // 57P01..03: the server is going down or coming up; 08: connection exceptions.
  if (!isSqlState(code) || code.startsWith('57P') || code.startsWith('08')) return 'lost';
  if (code === LOG_MOVED || (code === UNIQUE_VIOLATION && error instanceof Error && 'constraint' in error && error.constraint === PLACE_KEY)) return 'moved';
  if (code === UNIQUE_VIOLATION || code === STREAM_REFUSED) return 'surprised';
  return code.startsWith('40') ? 'collided' : 'refused';
};

export const unavailable = (details: Record<string, string> = {}): DomainError => new DomainError(
  'unavailable', 'event-store-unavailable', details,
  'The event database did not answer or ended the transaction; nothing is acknowledged. Send the same events again: ids already stored answer duplicate.',
);

/** The DomainError callers see for an error of the driver or the server; a DomainError passes through. Messages of the server are kept as cause only. */
export const domainErrorOf = (error: unknown): DomainError => {
  if (error instanceof DomainError) return error;
  const made = translated(error);
  made.cause = error;
  return made;
};

const translated = (error: unknown): DomainError => {
  const code = sqlStateOf(error);
  if (code === EPOCH_RENEWED) return new DomainError('conflict', 'epoch-renewed', {}, 'The log was recovered since this caller read it: its epoch is no longer valid. Read the head again and decide anew.');
  if (code === '42501') return new DomainError('forbidden', 'not-granted', {}, 'This database role has no grant for that context: declare it under appends or reads in service.yaml and apply the grants.');
  const refusal = ARCHIVE_REFUSALS[code ?? ''];
  if (refusal !== undefined) return new DomainError('conflict', refusal[0], {}, refusal[1]);
  return unavailable(isSqlState(code) ? { sqlstate: code } : {});
};
