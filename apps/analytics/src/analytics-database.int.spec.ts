import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProjectionBuilds } from '@millrace/event-sourcing';
import { eventually, freshDatabase, ownPostgres, type TestDatabase } from '@millrace/testing';
import { DataSource } from 'typeorm';
import { openAnalyticsDatabase, readSnapshot, SALES_ENTITIES } from './analytics-database.ts';
import { salesFacts } from './sales/sales-facts.ts';
import { noLogs } from './sales/sample-orders.ts';

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

it('has tables that are those of the entities', async () => {
  expect((await database.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query)).toEqual([]);
});

it.each([['build 1, which was there before builds were', 'sales_facts_v1_b1'], ['a build made since', 'sales_facts_v1_b2']])('has in %s the tables of the entities', async (_, schema) => {
  const builds = new ProjectionBuilds({ live: database, aside: database, reader: noLogs, projections: [salesFacts] });
  if (schema.endsWith('2')) await builds.rebuild('sales-facts');
  const build = await new DataSource({ type: 'postgres', url: fresh.url, schema, entities: SALES_ENTITIES }).initialize();
  expect((await build.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query)).toEqual([]);
  await build.destroy();
  await builds.stop();
  if (schema.endsWith('2')) await builds.drop('sales-facts', 2);
});

it('goes back to an empty database and forward again', async () => {
  await database.undoLastMigration();
  await database.undoLastMigration();
  expect(await database.query(`select tablename from pg_tables where schemaname = 'public' and tablename <> 'migrations'`)).toEqual([]);
  expect(await database.runMigrations()).toHaveLength(2);
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
  // A backend outlives its killed server for a moment, and may answer once more.
  const gone = await eventually('a failure', () => survivor.query('select 1').then(() => false as const, String));
  expect(gone).toMatch(/connect|terminat|ECONNRESET|EPIPE/i);
  await own.restart();
  expect(await eventually('an answer', () => survivor.query<unknown>('select count(*)::int as n from order_fact'))).toEqual([{ n: 0 }]);
  await survivor.destroy();
  await own.remove();
});
