import { DomainError, type Epoch, type LogKey, type Position } from '@millrace/kernel';
import { Database } from './database.ts';
import { domainErrorOf } from './failure.ts';

/** A checkpoint as stored: its note is text from the database, to be believed only after its signatures were checked. */
export interface StoredCheckpoint {
  readonly epoch: Epoch;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly cosigned: boolean;
  readonly madeAt: Date;
}

/** A tile as stored. */
export interface StoredTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

/** Leaf hashes after a position, 32 bytes each, packed; `count` of them, the last at position `through`. */
export interface LeafPage {
  readonly count: number;
  readonly through: Position;
  readonly leaves: Uint8Array;
}

/** A step of a tree's growth: from `from` leaves to `size`, with the tiles that are new or grew. */
export interface LedgerGrowth {
  readonly epoch: Epoch;
  readonly from: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly tiles: readonly StoredTile[];
}

/** A row of a log as it stands, whatever was done to it: nothing of it is checked. Columns that should not be empty may be. */
export interface LedgerRow {
  readonly position: Position;
  readonly id: string;
  readonly stream: string;
  readonly streamVersion: number;
  readonly fingerprint: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly leaf: Uint8Array | null;
  readonly envelope: Uint8Array | null;
  readonly data: Uint8Array | null;
  /** SHA-256(salt ‖ data) of a redacted event. */
  readonly dataDigest: Uint8Array | null;
  /** Events of the stream's version before this one, earlier in this log: 1, or 0 for version 1. */
  readonly preceded: number;
  /** The tenant's events of this stream and version, and of this id: 1 each, themselves. */
  readonly versions: number;
  readonly identities: number;
}

/** Where data gave way to its digest, and the fact that says so. */
export interface Redaction {
  readonly log: Pick<LogKey, 'context' | 'shard'>;
  readonly position: Position;
  readonly eventId: string;
  readonly factId: string;
}

interface RawRow {
  readonly position: string; readonly id: string; readonly stream: string; readonly stream_version: string; readonly fingerprint: Buffer | null; readonly salt: Buffer | null;
  readonly leaf: Buffer | null; readonly envelope: Buffer | null; readonly data: Buffer | null; readonly data_digest: Buffer | null;
  readonly preceded: string; readonly versions: string; readonly identities: string;
}
const ledgerRowOf = (row: RawRow): LedgerRow => ({
  position: Number(row.position), id: row.id, stream: row.stream, streamVersion: Number(row.stream_version), fingerprint: row.fingerprint, salt: row.salt, leaf: row.leaf,
  envelope: row.envelope, data: row.data, dataDigest: row.data_digest, preceded: Number(row.preceded), versions: Number(row.versions), identities: Number(row.identities),
});

/** Below every position that could stand in the column. */
const BEFORE_ALL = '-9223372036854775808';

interface CheckpointRow { readonly epoch: string; readonly size: string; readonly root: Buffer; readonly note: string; readonly cosigned: boolean; readonly made_at: Date }
interface TileRow { readonly level: number; readonly index: string; readonly hashes: Buffer }

const COLUMNS = 'epoch, size, root, note, cosigned, made_at';
const OF_LOG = 'tenant = $1 AND context = $2 AND shard = $3';
const keyOf = (log: LogKey): [string, string, number] => [log.tenant, log.context, log.shard];
const checkpointOf = (row: CheckpointRow): StoredCheckpoint =>
  ({ epoch: Number(row.epoch), size: Number(row.size), root: row.root, note: row.note, cosigned: row.cosigned, madeAt: row.made_at });

const REFUSED: Readonly<Record<string, { code: string; message: string }>> = {
  MR010: { code: 'ledger-moved', message: 'The tree stands elsewhere by now: another builder was first. Read its last checkpoint and go on from there.' },
  MR011: { code: 'ledger-tile-differs', message: 'A stored tile holds other hashes than those it is to be extended with: verify the log.' },
};

const refusalOf = (error: unknown): Error => {
  const refused = REFUSED[error instanceof Error && 'code' in error ? String(error.code) : ''];
  return refused === undefined ? domainErrorOf(error) : new DomainError('conflict', refused.code, {}, refused.message);
};

/**
 * Tiles and checkpoints in the event database, for the relaying service's role. Own connections: reading a log's leaves must not keep an
 * append or the relay waiting. Errors are DomainErrors (`event-store-unavailable`, `not-granted`).
 */
export class PgLedgerStore {
  private constructor(private readonly database: Database) {}

  /** Opens no connection yet. */
  static connect(options: { readonly url: string; readonly applicationName: string; readonly poolSize?: number }): PgLedgerStore {
    return new PgLedgerStore(new Database({ url: options.url, applicationName: options.applicationName, poolSize: options.poolSize ?? 3 }));
  }

  /** Leaf hashes as the log's rows have them, in order; a hole shows as `through` beyond `after` + `count`. */
  async leaves(log: LogKey, after: Position, limit: number): Promise<LeafPage> {
    const [row] = await this.database.query<{ n: string; through: string | null; leaves: Buffer | null }>({
      name: 'ledger-leaves', text: 'SELECT n, through, leaves FROM millrace.ledger_leaves($1, $2, $3, $4, $5)', values: [...keyOf(log), after, limit],
    });
    return { count: Number(row?.n ?? 0), through: Number(row?.through ?? after), leaves: row?.leaves ?? new Uint8Array() };
  }

  /** The tree's last checkpoint in this epoch; with `cosigned`, the last the witness has signed. */
  async lastCheckpoint(log: LogKey, epoch: Epoch, cosigned = false): Promise<StoredCheckpoint | undefined> {
    const rows = await this.database.query<CheckpointRow>({
      text: `SELECT ${COLUMNS} FROM log.ledger_checkpoint WHERE ${OF_LOG} AND epoch = $4 ${cosigned ? 'AND cosigned' : ''} ORDER BY size DESC LIMIT 1`, values: [...keyOf(log), epoch],
    });
    return rows.map(checkpointOf)[0];
  }

  /** The last cosigned checkpoint of each epoch of a log, newest epoch first. */
  async cosignedByEpoch(log: LogKey): Promise<StoredCheckpoint[]> {
    const rows = await this.database.query<CheckpointRow>({
      text: `SELECT DISTINCT ON (epoch) ${COLUMNS} FROM log.ledger_checkpoint WHERE ${OF_LOG} AND cosigned ORDER BY epoch DESC, size DESC`, values: keyOf(log),
    });
    return rows.map(checkpointOf);
  }

  /** Those of these tiles that are stored, as wide as they are stored. */
  async tiles(log: LogKey, epoch: Epoch, wanted: readonly { readonly level: number; readonly index: number }[]): Promise<StoredTile[]> {
    if (wanted.length === 0) return [];
    const rows = await this.database.query<TileRow>({
      // The limit keeps it one descent of the key per tile: joined, a proof at millions of leaves read every tile of the log.
      text: `SELECT t.level, t.index, t.hashes FROM unnest($5::int[], $6::bigint[]) AS w(level, index) CROSS JOIN LATERAL (SELECT s.level, s.index, s.hashes
        FROM log.ledger_tile s WHERE s.tenant = $1 AND s.context = $2 AND s.shard = $3 AND s.epoch = $4 AND s.level = w.level AND s.index = w.index LIMIT 1) t`,
      values: [...keyOf(log), epoch, wanted.map(({ level }) => level), wanted.map(({ index }) => index)],
    });
    return rows.map((row) => ({ level: row.level, index: Number(row.index), hashes: row.hashes }));
  }

  /** Rows after a position (from the very first, also below 1, when undefined), at most `limit` and about `maxBytes` of data, at least one. */
  async rows(log: LogKey, after: Position | undefined, limit: number, maxBytes: number): Promise<LedgerRow[]> {
    const rows = await this.database.query<RawRow>({
      name: 'ledger-rows', text: 'SELECT * FROM millrace.ledger_rows($1, $2, $3, $4, $5, $6)', values: [...keyOf(log), after ?? BEFORE_ALL, limit, maxBytes],
    });
    return rows.map(ledgerRowOf);
  }

  /** The redaction listed for a position. */
  async redaction(log: LogKey, position: Position): Promise<Redaction | undefined> {
    const rows = await this.database.query<{ event_id: string; fact_id: string }>({ text: `SELECT event_id, fact_id FROM log.redaction WHERE ${OF_LOG} AND position = $4`, values: [...keyOf(log), position] });
    return rows.map((row) => ({ log, position, eventId: row.event_id, factId: row.fact_id }))[0];
  }

  /** All checkpoints stored for an epoch, by size. */
  async checkpoints(log: LogKey, epoch: Epoch): Promise<StoredCheckpoint[]> {
    const rows = await this.database.query<CheckpointRow>({ text: `SELECT ${COLUMNS} FROM log.ledger_checkpoint WHERE ${OF_LOG} AND epoch = $4 ORDER BY size`, values: [...keyOf(log), epoch] });
    return rows.map(checkpointOf);
  }

  /** Lets the tree grow, all or nothing. Refuses with `conflict`: `ledger-moved`, `ledger-tile-differs`. */
  async extend(log: LogKey, growth: LedgerGrowth): Promise<void> {
    const { epoch, from, size, root, note, tiles } = growth;
    try {
      await this.database.run({
        name: 'ledger-extend', text: 'SELECT millrace.ledger_extend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
        values: [...keyOf(log), epoch, from, size, root, note, tiles.map(({ level }) => level), tiles.map(({ index }) => index), tiles.map(({ hashes }) => hashes)],
      });
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Keeps the note with the witness's signature. Idempotent. */
  async cosign(log: LogKey, epoch: Epoch, size: number, note: string): Promise<void> {
    await this.database.query({ text: 'SELECT millrace.ledger_cosign($1, $2, $3, $4, $5, $6)', values: [...keyOf(log), epoch, size, note] });
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
