import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProjectionBuilds } from '@millrace/event-sourcing';
import { eventually, freshDatabase, ownPostgres, type TestDatabase } from '@millrace/testing';
import { DataSource } from 'typeorm';
import { openAnalyticsDatabase, openAside, openQuestions, readSnapshot, SALES_ENTITIES } from './analytics-database.ts';
import { SALES_VERSIONS } from './sales/sales-facts.ts';
import { noLogs } from './sales/sample-orders.ts';

let fresh: TestDatabase;
let database: DataSource;
beforeAll(async () => { fresh = await freshDatabase(); database = await openAnalyticsDatabase(fresh.url); });
afterAll(async () => { await database.destroy(); await fresh.drop(); });

it('has tables that are those of the entities', async () => {
  expect((await database.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query)).toEqual([]);
});

it.each([['build 1, which was there before builds were', 'sales_facts_v1_b1'], ['a build made since', 'sales_facts_v2_b2']])('has in %s the tables of the entities', async (_, schema) => {
  const builds = new ProjectionBuilds({ live: database, aside: database, reader: noLogs, projections: SALES_VERSIONS });
  if (schema.endsWith('2')) await builds.rebuild('sales-facts');
  const build = await new DataSource({ type: 'postgres', url: fresh.url, schema, entities: SALES_ENTITIES }).initialize();
  expect((await build.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query)).toEqual([]);
  await build.destroy();
  await builds.stop();
  if (schema.endsWith('2')) await builds.drop('sales-facts', 2);
});

it('goes back to an empty database and forward again', async () => {
  for (let undone = 0; undone < 3; undone += 1) await database.undoLastMigration();
  expect(await database.query(`select tablename from pg_tables where schemaname = 'public' and tablename <> 'migrations'`)).toEqual([]);
  expect(await database.runMigrations()).toHaveLength(3);
  expect(await database.query('select version from projection_build')).toEqual([{ version: 2 }]);
});

it('takes facts of before reasons over as a build of version 1', async () => {
  await database.undoLastMigration();
  await database.query(`insert into sales_facts_v1_b1.order_line_fact (tenant, log, position, line_no, fact, kind, source, time, product_id, quantity, unit_price, amount, currency)
    select 'shop', 'sales/0', position, line, 'placed', 'product', 's', now(), product, 1, 1, 1, 'EUR' from (values (1, 1, 'p1'), (2, 1, 'p1'), (2, 2, 'p2'), (2, 3, 'p1')) v(position, line, product)`);
  await database.query(`insert into consumer_checkpoint (consumer, tenant, context, shard, epoch, position, leaf) values ('sales-facts@1', 'shop', 'sales', 0, 1, 2, '')`);
  await database.runMigrations();
  expect(await database.query('select reason, first_of_product as first from order_line_fact order by position, line_no')).toEqual([true, true, true, false].map((first) => ({ reason: null, first })));
  expect(await database.query('select version from projection_build')).toEqual([{ version: 1 }]);
  for (const table of ['sales_facts_v1_b1.order_line_fact', 'consumer_checkpoint']) await database.query(`delete from ${table}`);
});

describe('a statement', () => {
  it('of a question is bounded, and of a consumer, a build or a migration is not', async () => {
    const [questions, aside] = [await openQuestions(fresh.url), await openAside(fresh.url)];
    const bounds = await Promise.all([questions, database, aside].map(async (one) => (await one.query('show statement_timeout'))[0].statement_timeout));
    expect(bounds).toEqual(['35s', '0', '0']);
    await Promise.all([questions.destroy(), aside.destroy()]);
  });

  it('does not wait for ever for a server that takes connections and never answers', async () => {
    const taken: Socket[] = [];
    const silent = createServer((socket) => { taken.push(socket.on('error', () => undefined)); }).listen(0, '127.0.0.1');
    await new Promise((listening) => silent.once('listening', listening));
    await expect(openQuestions(`postgres://a:b@127.0.0.1:${(silent.address() as AddressInfo).port}/c`)).rejects.toThrow('timeout');
    for (const socket of taken) socket.destroy();
    silent.close();
  });
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
