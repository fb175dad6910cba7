import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import type { BenchOptions, BenchResult } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { alternate, compare, medians, perSecond } from './rounds.ts';
import { BENCH_LOG, sampleUnit } from './sample-units.ts';

/** Of a page and of the cursor's fetch alike. */
const PAGE = 2000;
const WHERE = `tenant = '${BENCH_LOG.tenant}' AND context = '${BENCH_LOG.context}' AND shard = ${BENCH_LOG.shard}`;

const fill = async (store: PgEventStore, events: number): Promise<void> => {
  for (let n = 0; n < events; n += 2000) await Promise.all([0, 1, 2, 3].map(() => store.append(BENCH_LOG, Array.from({ length: 500 }, () => sampleUnit()))));
};

/** The peer: one server-side cursor over the same columns of the table itself, in one snapshot, with the driver's own decoding. */
const readCursor = async (client: Client, after: number): Promise<number> => {
  let read = 0;
  await client.query('BEGIN');
  await client.query(`DECLARE raw NO SCROLL CURSOR FOR SELECT position, stream_version, leaf, salt, envelope, data FROM millrace.event WHERE ${WHERE} AND position > ${after} ORDER BY position`);
  for (let rows = PAGE; rows === PAGE; read += rows) rows = (await client.query(`FETCH ${PAGE} FROM raw`)).rows.length;
  await client.query('COMMIT');
  return read;
};

/** Every event, in pages of transactions of their own; `touch` is what a reader does with each. */
const readPages = async (store: PgEventStore, after: number, touch: (event: { readonly envelope: object }) => void = () => undefined, through = Number.POSITIVE_INFINITY): Promise<number> => {
  let read = 0;
  for await (const { events, through: reached } of store.pages(BENCH_LOG, { after, limit: PAGE })) {
    for (const event of events) touch(event);
    read += events.length;
    if (reached >= through) break;
  }
  return read;
};

const counted = async (expected: number, work: () => Promise<number>): Promise<number> => perSecond(expected, async () => {
  const read = await work();
  if (read !== expected) throw new Error(`read ${read} events where there are ${expected}`);
});

/** As the ledger would: the range can then be archived. */
const cosign = (client: Client, size: number): Promise<unknown> => client.query(`INSERT INTO millrace.ledger_checkpoint (tenant, context, shard, epoch, size, root, note, cosigned)
  SELECT tenant, context, shard, epoch, $1, sha256(''), 'bench', true FROM millrace.log_head`, [size]);

const sizeOf = async (client: Client): Promise<number> => Number((await client.query<{ bytes: string }>(`SELECT pg_total_relation_size('millrace.event') AS bytes`)).rows[0]!.bytes);

interface Archived { readonly eventsPerSecond: number; readonly readPerSecond: number; readonly segmentBytes: number; readonly tableBytes: Readonly<Record<string, number>>; readonly refillPerSecond: number }

/** Archives all of it, reads it through, and fills the log again by as much: what the table gave back is what doesn't grow then. */
const archiveAll = async (store: PgEventStore, client: Client, events: number): Promise<Archived> => {
  const before = await sizeOf(client);
  await cosign(client, events);
  const archive = store.archive();
  let segmentBytes = 0;
  const eventsPerSecond = await perSecond(events, async () => {
    for (let segment = await archive.next(BENCH_LOG, { through: events }); segment !== undefined; segment = await archive.next(BENCH_LOG, { through: events })) {
      segmentBytes += segment.bytes;
      await archive.thin(segment);
    }
  });
  const archived = await sizeOf(client);
  await client.query('VACUUM millrace.event');
  const vacuumed = await sizeOf(client);
  const readPerSecond = await counted(events, () => readPages(store, 0, undefined, events));
  const refillPerSecond = await perSecond(events, () => fill(store, events));
  return { eventsPerSecond: Math.round(eventsPerSecond), readPerSecond: Math.round(readPerSecond), segmentBytes, refillPerSecond: Math.round(refillPerSecond), tableBytes: { before, archived, vacuumed, filledAgain: await sizeOf(client) } };
};

/**
 * Reads a log from a position to its end: `rawCursor` is the library's pages (each a transaction, every row checked to be the next) over one
 * cursor on the table; `rawCursorParsed` the same with every envelope parsed, which the cursor's rows are not. Then a filter nothing fits,
 * and the same range archived.
 */
export const benchRead = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => withServer(async (server) => {
  const url = await server.database('read');
  await migrateEventStore(url);
  const segmentsDir = await mkdtemp(join(tmpdir(), 'millrace-bench-segments-'));
  const store = PgEventStore.connect({ url, applicationName: 'bench', segmentsDir });
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const events = quick ? 100_000 : 1_000_000;
    const from = 2000;
    await fill(store, events + from);
    await client.query('VACUUM ANALYZE millrace.event');
    const sides = {
      cursor: () => counted(events, () => readCursor(client, from)),
      read: () => counted(events, () => readPages(store, from)),
      readParsed: () => counted(events, () => readPages(store, from, (event) => event.envelope)),
      filtered: () => perSecond(events, async () => { for await (const page of store.pages(BENCH_LOG, { after: from, limit: PAGE, type: 'sales.order.returned' })) if (page.events.length > 0) throw new Error('nothing fits'); }),
    };
    const rounds = await alternate(5, sides, progress);
    const archived = await archiveAll(store, client, quick ? 50_000 : 200_000);
    return {
      ...compare(rounds, { rawCursor: ['read', 'cursor'], rawCursorParsed: ['readParsed', 'cursor'], filteredCursor: ['filtered', 'cursor'] }),
      perSecond: medians(rounds), archived, settings: { ...SERVER_SETTINGS, events, pageEvents: PAGE, bodyBytes: sampleUnit().events[0]!.data.length, fsync: true }, rounds,
    };
  } finally {
    await Promise.all([client.end(), store.close()]);
    await rm(segmentsDir, { recursive: true, force: true });
  }
});
