import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { migrateEventStore } from './index.ts';

describe('migrating the event database', () => {
  let database: TestDatabase;
  beforeEach(async () => { database = await freshDatabase(); });
  afterEach(() => database.drop());

  const owner = (sql: string): Promise<unknown> => withClient(database.url, (client) => client.query(sql));

  it('runs each migration once, also when several programs start at a time', async () => {
    const ran = await Promise.all([1, 2, 3, 4].map(() => migrateEventStore(database.url)));
    expect(ran.filter((count) => count > 0)).toHaveLength(1);
    expect(await withClient(database.url, (client) => migrateEventStore(client))).toBe(0);
  });

  it('refuses a database of a newer program', async () => {
    await migrateEventStore(database.url);
    await owner(`INSERT INTO millrace.migration (version, name, checksum) VALUES (9999, '9999_later.sql', 'x')`);
    await expect(migrateEventStore(database.url)).rejects.toMatchObject({ kind: 'conflict', code: 'event-schema-newer', message: expect.stringContaining('9999_later.sql') });
  });

  it('refuses a database whose migrations were other files, and changes nothing', async () => {
    await migrateEventStore(database.url);
    await owner(`UPDATE millrace.migration SET checksum = 'other' WHERE version = 2; DELETE FROM millrace.migration WHERE version = 3; DROP VIEW log.head`);
    await expect(migrateEventStore(database.url)).rejects.toMatchObject({ kind: 'conflict', code: 'event-schema-edited', details: { version: 2 } });
    await expect(owner('SELECT FROM log.head')).rejects.toMatchObject({ code: '42P01' });
  });

  it('leaves nothing of a migration that fails, and releases its lock', async () => {
    await owner('CREATE SCHEMA millrace; CREATE TABLE millrace.event (n int)');
    await expect(migrateEventStore(database.url)).rejects.toMatchObject({ code: '42P07' });
    await expect(owner('SELECT FROM log.head')).rejects.toMatchObject({ code: '42P01' });
    await owner('DROP TABLE millrace.event');
    expect(await migrateEventStore(database.url)).toBeGreaterThan(0);
  });
});
