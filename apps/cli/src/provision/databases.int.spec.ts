import { afterAll, describe, expect, it } from '@jest/globals';
import { postgresUrl, uniqueName, withClient } from '@millrace/testing';
import { addressOf, allowConnect, answersQueries, ensureDatabase, ensureRoles, urlFor, withAdmin } from './databases.ts';

const admin = postgresUrl();
const [one, two, database] = [uniqueName('role'), uniqueName('role'), uniqueName('db')];
const roles = [{ name: one, password: 'first-password' }, { name: two, password: 'second-password' }];
const as = (index: 0 | 1, password = roles[index]!.password): string => urlFor(admin, database, { name: roles[index]!.name, password });
const whoAmI = (url: string): Promise<string> => withClient(url, async (client) => (await client.query<{ me: string }>('select current_user as me')).rows[0]!.me);

afterAll(() => withClient(admin, async (client) => {
  await client.query(`drop database if exists ${database} with (force)`);
  await client.query(`drop role if exists ${one}, ${two}`);
}));

describe('roles and databases', () => {
  it('are made, may be made again, and log in by SCRAM', async () => {
    for (let round = 0; round < 2; round += 1) {
      await ensureRoles(admin, roles);
      await ensureDatabase(admin, database, one);
    }
    expect(await whoAmI(as(0))).toBe(one);
    const { rows } = await withClient(admin, (client) => client.query<{ verifier: string; super: boolean }>('select rolpassword as verifier, rolsuper as super from pg_authid where rolname = $1', [one]));
    expect(rows).toEqual([{ verifier: expect.stringMatching(/^SCRAM-SHA-256\$4096:/), super: false }]);
  });

  it('let the owner in, others only where they were let in', async () => {
    await expect(whoAmI(as(1))).rejects.toThrow(/permission denied for database/);
    await allowConnect(admin, database, [two]);
    expect(await whoAmI(as(1))).toBe(two);
    await expect(withClient(as(1), (client) => client.query('create table mine (x int)'))).rejects.toThrow(/permission denied/);
    await withClient(as(0), (client) => client.query('create table mine (x int)'));
  });

  it('get a new password when it changed', async () => {
    await ensureRoles(admin, [{ name: one, password: 'renewed' }]);
    await expect(whoAmI(as(0))).rejects.toThrow(/password authentication failed/);
    expect(await whoAmI(as(0, 'renewed'))).toBe(one);
  });

  it('take names that need quoting', async () => {
    const odd = uniqueName('odd "na-me');
    await ensureRoles(admin, [{ name: odd, password: "pass'word" }]);
    expect(await whoAmI(urlFor(admin, 'postgres', { name: odd, password: "pass'word" }))).toBe(odd);
    await withClient(admin, (client) => client.query(`drop role "${odd.replaceAll('"', '""')}"`));
  });
});

describe('a server', () => {
  it('is healthy when it answers', async () => {
    expect(await answersQueries(admin)).toBe(true);
  });

  it('that is not there is one error without the login', async () => {
    const nowhere = 'postgres://postgres:secret@127.0.0.1:1/postgres';
    expect(await answersQueries(nowhere)).toBe(false);
    await expect(withAdmin(nowhere, async () => undefined)).rejects.toThrow(/^Postgres at 127\.0\.0\.1:1 can't be reached or refuses the login \(/);
    expect(addressOf(nowhere)).not.toContain('secret');
  });
});
