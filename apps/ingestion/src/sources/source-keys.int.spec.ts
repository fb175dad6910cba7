import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fixedClock } from '@millrace/kernel';
import { eventually, freshDatabase, ownPostgres, withClient } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { openSourceDatabase } from './source-database.ts';
import { SourceKeys } from './source-keys.ts';

const clock = fixedClock('2026-11-23T12:00:00Z');
const later = (ms: number): void => clock.set(new Date(clock.now().getTime() + ms).toISOString());

describe('the table of source keys', () => {
  let url: string;
  let database: DataSource;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase();
    ({ url, drop } = { url: fresh.url, drop: () => fresh.drop() });
    database = await openSourceDatabase(url);
  });
  afterAll(async () => {
    await database.destroy();
    await drop();
  });

  it('is what the entity says it is', async () => {
    expect((await database.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
  });

  it('holds no key, only its hash', async () => {
    const { key } = await new SourceKeys(database, clock).issue({ tenant: 't', name: 'hashed', recordOf: ['sales'] });
    const rows = await withClient(url, async (client) => (await client.query('select s::text as text, encode(key_hash, \'escape\') as hash from source_key s')).rows as { text: string; hash: string }[]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(4));
  });

  it('gives back a grant as it was wished', async () => {
    const keys = new SourceKeys(database, clock);
    const { key } = await keys.issue({ tenant: 't', name: 'wished', types: ['sales.*'], recordOf: ['sales'], earliest: '1990-01-01T00:00:00Z', latestAheadMs: 0 });
    const grant = { tenant: 't', name: 'wished', types: ['sales.*'], recordOf: ['sales'], earliest: '1990-01-01T00:00:00.000Z', latestAheadMs: 0 };
    expect(await keys.grantOf(`Bearer ${key}`)).toEqual(grant);
    expect(await keys.grantOf(`bearer ${key}`)).toEqual(grant);
  });

  it('sees a revocation by another process within five seconds', async () => {
    const [here, there] = [new SourceKeys(database, clock), new SourceKeys(database, clock)];
    const { key } = await here.issue({ tenant: 't', name: 'shared' });
    await here.grantOf(`Bearer ${key}`);
    await there.revoke('t', 'shared');
    expect(await here.grantOf(`Bearer ${key}`)).toMatchObject({ name: 'shared' });
    later(5_000);
    await expect(here.grantOf(`Bearer ${key}`)).rejects.toMatchObject({ kind: 'forbidden', code: 'source-key-revoked' });
  });

  it.each([undefined, '', 'Bearer', 'Bearer x', 'Basic abc', `Bearer msk_${'a'.repeat(42)}`, `Bearer msk_${'a'.repeat(43)} more`, `Bearer msk_${'\u00e9'.repeat(43)}`])('knows nobody by %j', async (header) => {
    await expect(new SourceKeys(database, clock).grantOf(header)).rejects.toMatchObject({ code: 'source-key-unknown' });
  });
});

it('goes on with keys seen lately while its database hangs', async () => {
  const { url, drop } = await freshDatabase();
  const database = await openSourceDatabase(url);
  const keys = new SourceKeys(database, clock);
  const { key } = await keys.issue({ tenant: 't', name: 'patient' });
  await keys.grantOf(`Bearer ${key}`);
  await withClient(url, async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE source_key IN ACCESS EXCLUSIVE MODE');
    later(60_000);
    expect(await keys.grantOf(`Bearer ${key}`)).toMatchObject({ name: 'patient' });
    await expect(keys.grantOf(`Bearer msk_${'a'.repeat(43)}`)).rejects.toMatchObject({ kind: 'unavailable', code: 'sources-unavailable' });
    await client.query('ROLLBACK');
  });
  await database.destroy();
  await drop();
});

it('goes on with keys seen lately while its database is away, and no longer than ten minutes', async () => {
  const postgres = await ownPostgres();
  const url = postgres.url('postgres', 'postgres', postgres.password);
  const database = await openSourceDatabase(url);
  const keys = new SourceKeys(database, clock);
  const { key } = await keys.issue({ tenant: 't', name: 'steady' });
  const { key: unseen } = await keys.issue({ tenant: 't', name: 'unseen' });
  await keys.grantOf(`Bearer ${key}`);
  await postgres.kill();
  // A backend outlives its server by a moment.
  await eventually('the database to be away', () => database.query('select 1').then(() => false, () => true));
  later(9 * 60_000);
  expect(await keys.grantOf(`Bearer ${key}`)).toMatchObject({ name: 'steady' });
  await expect(keys.grantOf(`Bearer ${unseen}`)).rejects.toMatchObject({ kind: 'unavailable', code: 'sources-unavailable' });
  later(60_000);
  await expect(keys.grantOf(`Bearer ${key}`)).rejects.toMatchObject({ kind: 'unavailable' });
  await postgres.restart();
  expect(await keys.grantOf(`Bearer ${key}`)).toMatchObject({ name: 'steady' });
  await database.destroy();
  await postgres.remove();
});
