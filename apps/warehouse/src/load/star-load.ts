import type { DuckDBConnection } from '@duckdb/node-api';
import type { EventBatch } from '@millrace/event-bus';
import { upcast } from '@millrace/contracts';
import { DomainError, isDomainError, isRedacted, type StoredEvent } from '@millrace/kernel';
import { object, type Data } from '../star/field-reader.ts';
import type { StarRows } from '../star/star-row.model.ts';
import { feedsStar, starRowsOf } from '../star/star.projection.ts';
import { writeStarRows } from '../star/star-writer.ts';
import type { ParkedEvents } from './parked-events.ts';
import { redactedWithin, withheld } from './redactions.ts';

interface Readable { readonly event: StoredEvent; readonly rows: StarRows }
interface Unreadable { readonly event: StoredEvent; readonly fault: DomainError }

const utf8 = new TextDecoder('utf-8', { fatal: true });

const dataOf = (event: StoredEvent): Data => {
  let data: unknown;
  try {
    data = JSON.parse(utf8.decode(event.data));
  } catch {
    throw new DomainError('invalid', 'event-data-malformed', { position: event.position }, 'The event\'s data is not JSON in UTF-8.');
  }
  return upcast(event.envelope.type, event.envelope.version, object(data, '')).data;
};

const NOTHING: StarRows = { orderLines: [], productFacts: [], customerFacts: [] };

/** What an event adds to the star, or why it can't be told. */
export const readForStar = (event: StoredEvent): Readable | Unreadable => {
  // Nothing is left to read, and nothing to mend: parked, it would hold up its stream for ever.
  if (isRedacted(event)) return { event, rows: NOTHING };
  try {
    return { event, rows: starRowsOf(event, dataOf(event)) };
  } catch (error) {
    // A fault of ours must not stop the log either: the event is parked, and its text is not repeated, since it may quote the data.
    return { event, fault: isDomainError(error) ? error : new DomainError('invalid', 'projection-failed', { position: event.position }, 'The star\'s projection failed on this event.') };
  }
};


/** What a batch adds to the star of the build in `schema`: rows, and events parked with their reason. Within a transaction that looks in that schema. */
export const applyToStar = async (tx: DuckDBConnection, schema: string, parkedEvents: ParkedEvents, { log, events }: Pick<EventBatch, 'log' | 'events'>): Promise<void> => {
  const feeding = events.filter((event) => feedsStar(event.envelope.type));
  if (feeding.length === 0) return;
  const waiting = new Set(await parkedEvents.keys(tx, log, [...new Set(feeding.map((event) => event.envelope.stream))]));
  const discarded = await parkedEvents.discarded(tx, log, feeding[0]?.position ?? 0, feeding.at(-1)?.position ?? 0);
  const redacted = await redactedWithin(tx, log, feeding[0]?.position ?? 0, feeding.at(-1)?.position ?? 0);
  const readable: Readable[] = [];
  for (const outcome of withheld(feeding, redacted).filter(({ position, envelope }) => discarded.get(position) !== envelope.id).map(readForStar)) {
    const { stream: key, id: eventId, type } = outcome.event.envelope;
    const park = (code: string, reason: string): Promise<void> => parkedEvents.park(tx, log, { position: outcome.event.position, key, eventId, type, code, reason });
    if (waiting.has(key)) await park('behind-parked', 'an earlier event of the same stream is parked');
    else if ('rows' in outcome) readable.push(outcome);
    else {
      waiting.add(key);
      await park(outcome.fault.code, outcome.fault.message.slice(0, 500));
    }
  }
  await writeStarRows(tx, schema, readable);
};
