import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { sampleLog } from './event-store.conformance.ts';
import { PgLedgerStore } from './index.ts';
import { GrantedDatabase } from './testing.ts';

const TILES = 3000;
const EPOCH = 1;
const log = sampleLog();
const wanted = [{ level: 0, index: 0 }, { level: 0, index: 1234 }, { level: 0, index: TILES - 1 }, { level: 0, index: TILES }];

describe('the tiles of a proof', () => {
  let database: GrantedDatabase;
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    await database.owner(
      "INSERT INTO millrace.ledger_tile (tenant, context, shard, epoch, level, index, hashes) SELECT $1, $2, $3, $4, 0, n, sha256(convert_to(n::text, 'UTF8')) FROM generate_series(0, $5::int - 1) n",
      [log.tenant, log.context, log.shard, EPOCH, TILES],
    );
  });
  afterAll(() => database.drop());

  /** Rows of the table read by whatever way, once the server has added up what a connection that ended read. */
  const rowsRead = async (): Promise<number> => {
    const [row] = await database.owner<{ read: string }>("SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_user_tables WHERE schemaname = 'millrace' AND relname = 'ledger_tile'");
    return Number(row?.read ?? 0);
  };

  it.each([['without statistics', 'SELECT 1'], ['with them', 'ANALYZE millrace.ledger_tile']])('are read alone among many, %s', async (_when, first) => {
    await database.owner(first);
    const before = await rowsRead();
    const store = PgLedgerStore.connect({ url: database.url, applicationName: 'spec', poolSize: 1 });
    const found = await store.tiles(log, EPOCH, wanted);
    await store.close();
    expect(found.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([0, 1234, TILES - 1]);
    expect(await eventually('the reading is counted', async () => (await rowsRead()) - before || undefined)).toBe(3);
  });
});
