import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, uniqueName, withClient, type TestDatabase } from '@millrace/testing';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { openKeyDatabase } from './key-database.ts';
import { KeyTables1763900000000 } from './key-tables.migration.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await freshDatabase();
  pool = await openKeyDatabase(database.url, () => undefined);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const ref = (): string => `sub_${randomBytes(16).toString('hex')}`;
const wrapped = randomBytes(60);
const subject = async (tenant: string): Promise<string> => {
  const name = ref();
  await pool.query('insert into subject_key (tenant, ref, wrapped) values ($1, $2, $3)', [tenant, name, wrapped]);
  await pool.query(`insert into data_key (tenant, ref, purpose, epoch, wrapped) values ($1, $2, 'contact', 1, $3), ($1, $2, 'contact', 2, $3)`, [tenant, name, wrapped]);
  await pool.query(`insert into identity_lookup (tenant, kind, mac, ref) values ($1, 'email', $2, $3), ($1, 'customer-number', $2, $3)`, [tenant, randomBytes(32), name]);
  return name;
};
const left = async (tenant: string): Promise<number[]> => {
  const { rows } = await pool.query<{ n: number }>(`
    select (select count(*) from subject_key where tenant = $1)::int as n union all select (select count(*) from data_key where tenant = $1)::int
    union all select (select count(*) from identity_lookup where tenant = $1)::int`, [tenant]);
  return rows.map(({ n }) => n);
};

describe('the key tables', () => {
  it('lose a subject\'s keys and look-ups with its row, and nobody else\'s', async () => {
    const [one] = [await subject('cascade'), await subject('cascade')];
    await pool.query('delete from subject_key where tenant = $1 and ref = $2', ['cascade', one]);
    expect(await left('cascade')).toEqual([1, 2, 2]);
  });

  it.each([
    ['a data key of no subject', `insert into data_key (tenant, ref, purpose, epoch, wrapped) values ('t', 'sub_none', 'contact', 1, $1)`, wrapped, '23503'],
    ['a look-up of no subject', `insert into identity_lookup (tenant, kind, mac, ref) values ('t', 'email', $1, 'sub_none')`, randomBytes(32), '23503'],
    ['a key that is not wrapped', `insert into subject_key (tenant, ref, wrapped) values ('t', 'sub_1', $1)`, randomBytes(32), '23514'],
    ['an identifier that is not hashed', `insert into identity_lookup (tenant, kind, mac, ref) values ('t', 'email', $1, 'sub_none')`, Buffer.from('ada@example.org'), '23514'],
    ['a tenant key that is not wrapped', `insert into tenant_key (tenant, wrapped) values ('t', $1)`, randomBytes(32), '23514'],
  ])('refuse %s', async (_, statement, bytes, code) => {
    await expect(pool.query(statement, [bytes])).rejects.toMatchObject({ code });
  });

  it('let a look-up have one subject only', async () => {
    const [one, two, mac] = [await subject('unique'), await subject('unique'), randomBytes(32)];
    const insert = `insert into identity_lookup (tenant, kind, mac, ref) values ('unique', 'email', $1, $2)`;
    await pool.query(insert, [mac, one]);
    await expect(pool.query(insert, [mac, two])).rejects.toMatchObject({ code: '23505' });
  });

  it('are made by the database\'s owner without other rights, opened again without change, and taken back', async () => {
    const role = uniqueName('owner');
    const own = await freshDatabase();
    await withClient(own.url, async (client) => {
      await client.query(`create role ${role} login password 'test-only' nosuperuser nocreatedb nocreaterole`);
      await client.query(`alter database ${own.name} owner to ${role}`);
    });
    const url = own.urlAs(role, 'test-only');
    for (let start = 0; start < 2; start += 1) await (await openKeyDatabase(url, () => undefined)).end();
    const source = await new DataSource({ type: 'postgres', url, migrations: [KeyTables1763900000000], installExtensions: false }).initialize();
    await source.undoLastMigration();
    expect(await source.query(`select table_name from information_schema.tables where table_schema = 'public' order by 1`)).toEqual([{ table_name: 'migrations' }]);
    await source.destroy();
    await own.drop();
    await withClient(database.url, (client) => client.query(`drop role ${role}`));
  });

  it('are not opened where there is no database', async () => {
    await expect(openKeyDatabase(database.url.replace(database.name, 'absent'), () => undefined)).rejects.toMatchObject({ code: '3D000' });
  });
});
