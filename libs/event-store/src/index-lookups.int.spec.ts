import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { appendBatch } from './append-batch.ts';
import { NOTHING_KNOWN, planAppend } from './append-plan.ts';
import { newStream, sampleLog, single } from './event-store.conformance.ts';
import type { AppendUnit, PgEventStore } from './index.ts';
import { prepareUnits } from './prepared-unit.ts';
import { GrantedDatabase, statementsOf } from './testing.ts';

const STREAMS = 100;
const log = sampleLog();
const streams = Array.from({ length: STREAMS }, () => newStream(log));
const ids = Array.from({ length: 20 }, (_, n) => `known-${n}`);

describe('a connection that planned its look-ups while the log was empty', () => {
  let database: GrantedDatabase;
  let store: PgEventStore;
  let early: Client;
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    const [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
    // No statistics until the specs are done: the plan must be right without any.
    await database.owner('ALTER TABLE millrace.event SET (autovacuum_enabled = off)');
    early = new Client({ connectionString: database.url });
    await early.connect();
    await early.query("INSERT INTO millrace.log_shards VALUES ($1, 'sales', 2, 1)", [log.tenant]);
    for (const look of Object.values(LOOKS)) await look();
    await append([single(log)], 'COMMIT');
    store = database.store(service);
    // Fifty versions of each of a hundred streams: what a join the wrong way round, or a sort of a stream, would read in full.
    for (let version = 0; version < 50; version += 1) await store.append(log, streams.map((stream, n) => single(log, { stream, ...(version === 0 && n < 20 ? { id: ids[n]! } : {}) })));
  });
  afterAll(async () => {
    await early.end();
    await database.drop();
  });

  const append = async (units: readonly AppendUnit[], end: 'COMMIT' | 'ROLLBACK'): Promise<number> => {
    const prepared = prepareUnits(log, units, {}, new Date());
    return rowsReadBy(() => appendBatch(statementsOf(early), log, { epoch: undefined, after: undefined }, planAppend(log, prepared, NOTHING_KNOWN), { counts: [], rejects: [] }), end);
  };
  /** Rows of the log read by whatever way. The server adds them up per connection and hands them on when it finds the time. */
  const rowsReadBy = async (work: () => Promise<unknown>, end: 'COMMIT' | 'ROLLBACK'): Promise<number> => {
    await early.query('BEGIN');
    const before = await rowsRead();
    await work();
    const after = await rowsRead();
    await early.query(end);
    return after - before;
  };
  const rowsRead = async (): Promise<number> => {
    const { rows } = await early.query<{ read: string }>("SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_xact_user_tables WHERE schemaname = 'millrace' AND relname = 'event'");
    return Number(rows[0]?.read ?? 0);
  };
  const LOOKS = {
    'the places of ids': () => early.query('SELECT * FROM millrace.known_events($1, $2)', [log.tenant, [...ids, 'unknown']]),
    'the ends of streams': () => early.query('SELECT * FROM millrace.stream_versions($1, $2)', [log.tenant, [...streams, newStream(log)]]),
    'the homes of streams': () => early.query('SELECT * FROM millrace.place_streams($1, $2, $3)', [log.tenant, 'sales', [...streams, newStream(log)]]),
  };

  it.each(Object.entries(LOOKS))('still finds %s by one look each when it has grown', async (_what, look) => {
    const read = await rowsReadBy(look, 'COMMIT');
    expect(read).toBeGreaterThanOrEqual(ids.length);
    expect(read).toBeLessThanOrEqual(STREAMS + 1);
  });

  it('still appends to long streams by one look each', async () => {
    const read = await append(streams.map((stream) => single(log, { stream })), 'ROLLBACK');
    // One per stream, and the log's last position.
    expect(read).toBeGreaterThanOrEqual(STREAMS);
    expect(read).toBeLessThanOrEqual(STREAMS + 2);
  });
});
