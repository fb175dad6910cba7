import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freshDatabase, ownPostgres, type TestDatabase } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { openAnalyticsDatabase, readSnapshot } from './analytics-database.ts';

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

it('has tables that are those of the entities', async () => {
  expect((await database.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query)).toEqual([]);
});

it('goes back to an empty database and forward again', async () => {
  await database.undoLastMigration();
  expect(await database.query(`select tablename from pg_tables where schemaname = 'public' and tablename <> 'migrations'`)).toEqual([]);
  expect(await database.runMigrations()).toHaveLength(1);
});

describe('readSnapshot', () => {
  it('does not see what is committed while it reads', async () => {
    const buyers = 'select count(*)::int as n from buyer';
    const seen = await readSnapshot(database, async (manager) => {
      const before = await manager.query(buyers);
      await database.query(`insert into buyer (tenant, currency, customer_ref) values ('shop', 'EUR', 'sub_a')`);
      return [before, await manager.query(buyers)];
    });
    expect([...seen, await database.query(buyers)]).toEqual([[{ n: 0 }], [{ n: 0 }], [{ n: 1 }]]);
  });

  it('writes nothing', async () => {
    await expect(readSnapshot(database, (manager) => manager.query('delete from buyer'))).rejects.toThrow(/read-only transaction/);
  });

  it('says what to do when a question takes too long', async () => {
    const slow = readSnapshot(database, async (manager) => {
      await manager.query(`set local statement_timeout = '5ms'`);
      return manager.query('select pg_sleep(60)');
    });
    await expect(slow).rejects.toMatchObject({ kind: 'unavailable', code: 'question-too-slow' });
  });
});

it('comes back by itself when its Postgres was killed', async () => {
  const own = await ownPostgres();
  const survivor = await openAnalyticsDatabase(own.url('postgres', 'postgres', own.password));
  await own.kill();
  await expect(survivor.query('select 1')).rejects.toThrow(/connect|terminat/i);
  await own.restart();
  expect(await eventually('an answer', () => survivor.query<unknown>('select count(*)::int as n from order_fact'))).toEqual([{ n: 0 }]);
  await survivor.destroy();
  await own.remove();
});
