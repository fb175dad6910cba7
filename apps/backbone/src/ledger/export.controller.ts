import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { PgEventStore, PgLedgerStore, type LedgerRow } from '@millrace/event-store';
import { DomainError, type LogKey } from '@millrace/kernel';
import { encodeBase64, formatProof, hashLeaf, openCheckpoint, parseOrigin, verifyInclusion, type LogOrigin, type VerifiedCheckpoint } from '@millrace/ledger';
import { Allow } from '@millrace/service-kit';
import { parseEventId, parseLogPage, requiredTenant } from '../event-log/parameters.ts';
import { wholeRows } from '../verification/archived-rows.ts';
import { entryOf } from '../verification/row.rule.ts';
import { LedgerKeys } from './ledger-keys.ts';
import { proveInclusion } from './tile-reader.ts';

/** An entry as it stands in the tree and what its digest is made of, in base64; a redacted event has its entry alone. */
interface ExportedEntry {
  readonly position: number;
  readonly entry: string;
  readonly salt?: string;
  readonly data?: string;
}

const MAX_PAGE_BYTES = 4 * 1024 * 1024;

const wholeEntry = (row: LedgerRow): Buffer => {
  const entry = entryOf(row);
  if (!entry) throw new DomainError('unavailable', 'event-incomplete', { position: row.position }, `The event at position ${row.position} is not whole: verify the log.`);
  return entry;
};

const exported = (row: LedgerRow): ExportedEntry => {
  const { position, salt, data, dataDigest } = row;
  const entry = encodeBase64(wholeEntry(row));
  return dataDigest || !salt || !data ? { position, entry } : { position, entry, salt: encodeBase64(salt), data: encodeBase64(data) };
};

@Allow('operator')
@Controller('v1/ledger')
export class ExportController {
  private lastOpened: { readonly text: string; readonly checkpoint: VerifiedCheckpoint } | undefined;

  constructor(@Inject(PgLedgerStore) private readonly store: PgLedgerStore, @Inject(PgEventStore) private readonly events: PgEventStore, @Inject(LedgerKeys) private readonly keys: LedgerKeys) {}

  /** The last cosigned checkpoint of a log: what an export ends at. */
  @Get('logs/:context/:shard/checkpoint')
  async checkpoint(@Param('context') context: string, @Param('shard') shard: string, @Query() query: unknown): Promise<{ checkpoint: string; size: number }> {
    const { checkpoint, note } = await this.lastCosigned(parseLogPage(context, shard, query).log);
    return { checkpoint: note, size: checkpoint.size };
  }

  /** Entries after a position; fewer than `limit` when they are large. */
  @Get('logs/:context/:shard/entries')
  async entries(@Param('context') context: string, @Param('shard') shard: string, @Query() query: unknown): Promise<{ entries: ExportedEntry[] }> {
    const { log, after, limit } = parseLogPage(context, shard, query);
    const { rows } = await wholeRows(this.events, log, await this.store.rows(log, after, limit, MAX_PAGE_BYTES));
    return { entries: rows.map(exported) };
  }

  /** A proof that an event stands in its log, for somebody who has only the public keys. */
  @Get('proofs/:id')
  async proof(@Param('id') id: string, @Query() query: unknown): Promise<{ log: string; position: number; proof: string }> {
    // Where it stands is enough: what it is comes with the row that is proven.
    const [event] = await this.events.findEvents(requiredTenant(query), [parseEventId(id)]);
    if (!event) throw new DomainError('not-found', 'event-unknown', {}, 'No event of this tenant has that id. Check id and tenant.');
    const [{ checkpoint, origin, note }, rows] = await Promise.all([this.lastCosigned(event.log), this.store.rows(event.log, event.position - 1, 1, 1)]);
    if (event.position > checkpoint.size) throw new DomainError('unavailable', 'not-cosigned-yet', { position: event.position, size: checkpoint.size }, `The event at position ${event.position} is not yet in a cosigned tree (${checkpoint.size} leaves): ask again in some seconds.`);
    const { rows: [row] } = await wholeRows(this.events, event.log, rows);
    const entry = row === undefined ? Buffer.alloc(0) : wholeEntry(row);
    const path = await proveInclusion(this.store, origin, event.position - 1, checkpoint.size);
    if (!verifyInclusion(event.position - 1, checkpoint.size, hashLeaf(entry), checkpoint.root, path)) throw new DomainError('conflict', 'event-altered', { position: event.position }, `The event at position ${event.position} is not the one that was signed: run \`millrace ledger verify\`.`);
    return { log: `${event.log.context}/${event.log.shard}`, position: event.position, proof: formatProof({ entry, index: event.position - 1, path, checkpoint: note }) };
  }

  /** Two signatures are a tenth of what a proof takes, and many proofs end at one checkpoint: the last one opened is kept with its text. */
  private opened(note: string): VerifiedCheckpoint {
    if (this.lastOpened?.text !== note) this.lastOpened = { text: note, checkpoint: openCheckpoint(note, this.keys.trusted) };
    return this.lastOpened.checkpoint;
  }

  private async lastCosigned(log: LogKey): Promise<{ checkpoint: VerifiedCheckpoint; origin: LogOrigin; note: string }> {
    const [stored] = await this.store.cosignedByEpoch(log);
    if (stored === undefined) throw new DomainError('not-found', 'not-cosigned', {}, 'Nothing of that log has been cosigned yet: is the witness running? `millrace status` tells.');
    const checkpoint = this.opened(stored.note);
    const origin = parseOrigin(checkpoint.origin);
    if (origin === undefined) throw new DomainError('conflict', 'checkpoint-malformed', {}, 'The stored checkpoint speaks of no log: verify.');
    return { checkpoint, origin, note: stored.note };
  }
}
