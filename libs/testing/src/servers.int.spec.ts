import { expect, it } from '@jest/globals';
import { eventually, freshDatabase, ownNats, ownPostgres, postgresUrl, uniqueTenant, withClient } from './index.ts';

const scalar = async (url: string, sql: string): Promise<unknown> => withClient(url, async (client) => Object.values((await client.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0]);

it('clones each database from a template that is migrated once', async () => {
  let migrations = 0;
  const migrate = async (url: string): Promise<void> => { migrations += 1; await withClient(url, (client) => client.query('create table fact (n int)')); };
  const databases = await Promise.all([1, 2, 3].map(() => freshDatabase({ template: 'testing_template', migrate })));
  for (const [index, database] of databases.entries()) {
    await withClient(database.url, (client) => client.query('insert into fact values ($1)', [index]));
    expect(await scalar(database.url, 'select sum(n)::int from fact')).toBe(index);
  }
  expect(migrations).toBe(1);
  await Promise.all(databases.map((database) => database.drop()));
});

it('refuses a wrong password: SCRAM is on in tests too', async () => {
  const url = new URL(postgresUrl());
  url.password = 'wrong';
  await expect(withClient(url.href, async () => undefined)).rejects.toThrow(/password authentication failed/);
});

it('keeps what was committed when Postgres is killed and started again', async () => {
  const own = await ownPostgres();
  const url = own.url('postgres', 'postgres', own.password);
  await withClient(url, (client) => client.query('create table kept as select 42 as n'));
  await own.kill();
  await own.restart();
  expect(await scalar(url, 'select n from kept')).toBe(42);
  await own.remove();
});

it('starts a NATS that answers, is killed and comes back', async () => {
  const own = await ownNats();
  expect(own.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
  await own.kill();
  const again = await own.restart();
  expect(again.pid).not.toBe(own.pid);
  await own.remove();
});

it('names what it waited for when the deadline passes', async () => {
  await expect(eventually('the moon', () => false, 50)).rejects.toThrow(/waited 50 ms for the moon/);
  await expect(eventually('one', () => 1, 50)).resolves.toBe(1);
});

it('makes tenants that are valid and differ', () => {
  const [a, b] = [uniqueTenant(), uniqueTenant()];
  expect(a).toMatch(/^[a-z0-9-]{1,32}$/);
  expect(a).not.toBe(b);
});
