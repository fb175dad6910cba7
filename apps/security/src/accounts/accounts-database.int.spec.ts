import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, type TestDatabase } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { openAccountsDatabase } from './accounts-database.ts';

let own: TestDatabase;
let database: DataSource;
beforeAll(async () => {
  own = await freshDatabase();
  database = await openAccountsDatabase(own.url);
});
afterAll(async () => {
  await database.destroy();
  await own.drop();
});

describe('the account database', () => {
  it('has, once migrated, exactly the tables its entities describe', async () => {
    expect((await database.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
  });

  it('opens again without change, and its migrations can be taken back', async () => {
    await (await openAccountsDatabase(own.url)).destroy();
    for (const _ of database.migrations) await database.undoLastMigration();
    const left = await database.query<{ name: string }[]>(`select table_name as name from information_schema.tables where table_schema = 'public'`);
    expect(left).toEqual([{ name: 'migrations' }]);
    await database.runMigrations();
  });
});
