import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IdentifierValue, SubjectKeys, SubjectQuestion } from '@millrace/privacy';
import { freshDatabase, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { Pool, type PoolClient } from 'pg';
import { openKeyDatabase } from './key-database.ts';
import { KeyRing } from './key-ring.ts';

const rootKey = randomBytes(32);
let database: TestDatabase;
let pool: Pool;
let ring: KeyRing;
/** The database's own connections but without its deadlines, which are not what is looked at here. */
const patient = async (): Promise<Pool> => {
  await (await openKeyDatabase(database.url, () => undefined)).end();
  return new Pool({ connectionString: database.url, max: 8 });
};

beforeAll(async () => {
  database = await freshDatabase();
  pool = await patient();
  ring = new KeyRing(pool, rootKey);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const number = (value: string): IdentifierValue => ({ kind: 'customer-number', value });
const email = (value: string): IdentifierValue => ({ kind: 'email', value });
const ask = (identifiers: readonly IdentifierValue[], purposes = ['contact']): SubjectQuestion => ({ identifiers, purposes });
const count = async (table: 'subject_key' | 'data_key' | 'identity_lookup', tenant: string): Promise<number> =>
  (await pool.query<{ n: number }>(`select count(*)::int as n from ${table} where tenant = $1`, [tenant])).rows[0]!.n;
const counts = async (tenant: string): Promise<number[]> => [await count('subject_key', tenant), await count('identity_lookup', tenant), await count('data_key', tenant)];

describe('the key ring', () => {
  it('gives an identifier one subject and the same keys ever after, also to another process', async () => {
    const tenant = uniqueTenant();
    const [first] = await ring.resolve(tenant, [ask([number('17850')], ['contact', 'identity'])]);
    const other = new KeyRing(pool, rootKey);
    expect(await other.resolve(tenant, [ask([number(' 17850 ')], ['contact', 'identity'])])).toEqual([first]);
    expect(await other.find(tenant, [[number('17850')], [number('1')]], ['contact', 'identity'])).toEqual([first, undefined]);
    expect(await other.keysOf(tenant, [first!.ref, `sub_${'0'.repeat(32)}`], ['contact', 'identity'])).toEqual([first, undefined]);
    expect(first!.keys.get('contact')!.key).toHaveLength(32);
    expect(first!.keys.get('contact')).not.toEqual(first!.keys.get('identity'));
  });

  it('keeps tenants apart', async () => {
    const [a, b] = [uniqueTenant(), uniqueTenant()];
    const [[one], [two]] = await Promise.all([ring.resolve(a, [ask([number('1')])]), ring.resolve(b, [ask([number('1')])])]);
    expect(one!.ref).not.toBe(two!.ref);
    expect(await ring.keysOf(b, [one!.ref], ['contact'])).toEqual([undefined]);
    const macs = await pool.query<{ mac: Buffer }>('select mac from identity_lookup where tenant = any($1)', [[a, b]]);
    expect(macs.rows[0]!.mac).not.toEqual(macs.rows[1]!.mac);
  });

  it('links further identifiers to the subject of the first one known', async () => {
    const tenant = uniqueTenant();
    const [[known], [owner]] = [await ring.resolve(tenant, [ask([number('7')])]), await ring.resolve(tenant, [ask([email('taken@x.org')])])];
    const [again] = await ring.resolve(tenant, [ask([email('Ada@x.org'), number('7'), email('taken@x.org')])]);
    expect(again!.ref).toBe(known!.ref);
    expect((await ring.find(tenant, [[email('ada@x.org')], [email('taken@x.org')]], [])).map((each) => each?.ref)).toEqual([known!.ref, owner!.ref]);
  });

  it('makes one subject when fifty callers bring the same new identifiers at once, in any order', async () => {
    const tenant = uniqueTenant();
    const rings = Array.from({ length: 5 }, () => new KeyRing(pool, rootKey));
    const values = Array.from({ length: 20 }, (_, index) => String(index));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, caller) =>
      rings[caller % 5]!.resolve(tenant, (caller % 2 ? values : values.toReversed()).map((value) => ask([number(value), email(`${value}@x.org`)])))));
    const byValue = answers.map((answer, caller) => (caller % 2 ? answer : answer.toReversed()).map(({ ref, keys }) => [ref, Buffer.from(keys.get('contact')!.key).toString('hex')]));
    expect(new Set(byValue.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await counts(tenant)).toEqual([20, 40, 20]);
  });

  it('makes a missing key once when many ask for it at once, and never a subject by reference', async () => {
    const tenant = uniqueTenant();
    const [made] = await ring.resolve(tenant, [ask([number('1')], [])]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ring.keysOf(tenant, [made!.ref, `sub_${'1'.repeat(32)}`], ['network'])));
    expect(new Set(answers.map(([each]) => Buffer.from(each!.keys.get('network')!.key).toString('hex'))).size).toBe(1);
    expect(answers.every(([, unknown]) => unknown === undefined)).toBe(true);
    expect(await counts(tenant)).toEqual([1, 1, 1]);
  });

  it('resolves a thousand new subjects with three keys each in a few statements', async () => {
    const tenant = uniqueTenant();
    const questions = Array.from({ length: 1000 }, (_, index) => ask([number(String(index)), email(`${index}@x.org`)], ['contact', 'identity', 'fingerprint']));
    const own = await patient();
    let answers: SubjectKeys[] = [];
    const sent = await sentBy(own, async () => { answers = await new KeyRing(own, rootKey).resolve(tenant, questions); });
    await own.end();
    expect(sent).toContain('insert-lookups');
    expect(sent.length).toBeLessThanOrEqual(9);
    expect(new Set(answers.map(({ ref }) => ref)).size).toBe(1000);
    expect(await counts(tenant)).toEqual([1000, 2000, 3000]);
    expect(await ring.resolve(tenant, questions)).toEqual(answers);
  });

  it('stores nothing readable: no identifier, no key', async () => {
    const tenant = uniqueTenant();
    const [made] = await ring.resolve(tenant, [ask([number('customer-4711-4711')])]);
    const { rows } = await pool.query<{ row: string }>(`
      select row_to_json(t)::text as row from subject_key t union all select row_to_json(t)::text from data_key t
      union all select row_to_json(t)::text from identity_lookup t union all select row_to_json(t)::text from tenant_key t`);
    const all = rows.map(({ row }) => row).join('\n');
    const key = Buffer.from(made!.keys.get('contact')!.key);
    for (const secret of ['customer-4711-4711', Buffer.from('customer-4711-4711').toString('hex'), key.toString('hex'), key.toString('base64'), rootKey.toString('hex')]) expect(all).not.toContain(secret);
    expect(all).toContain(made!.ref);
  });
});

/** What a pool sends while `work` runs. */
const sentBy = async (client: Pool, work: () => Promise<unknown>): Promise<string[]> => {
  const sent: string[] = [];
  const watch = (one: PoolClient): void => {
    const query = one.query.bind(one) as (...given: unknown[]) => unknown;
    Object.assign(one, { query: (...given: unknown[]) => { sent.push(typeof given[0] === 'string' ? given[0] : (given[0] as { name: string }).name); return query(...given); } });
  };
  client.on('connect', watch);
  await work();
  client.off('connect', watch);
  return sent;
};

describe('a half-done subject', () => {
  const crashing = async (tenant: string, act: string): Promise<() => Promise<void>> => {
    const name = `crash_${randomBytes(4).toString('hex')}`;
    await withClient(database.url, async (client) => {
      await client.query(`create function ${name}() returns trigger language plpgsql as $$ begin if new.tenant = '${tenant}' then ${act}; end if; return new; end $$`);
      await client.query(`create trigger ${name} before insert on data_key for each row execute function ${name}()`);
    });
    return () => withClient(database.url, async (client) => { await client.query(`drop function ${name} cascade`); });
  };

  it.each([
    ['the server ends the connection', 'perform pg_terminate_backend(pg_backend_pid())'],
    ['the insert fails', 'raise exception $x$disk full$x$ using errcode = $x$53100$x$'],
  ])('does not exist after %s between look-up and key', async (_, act) => {
    const tenant = uniqueTenant();
    const mend = await crashing(tenant, act);
    await expect(ring.resolve(tenant, [ask([number('1')])])).rejects.toMatchObject({ kind: 'unavailable', code: 'key-database-unavailable' });
    expect(await counts(tenant)).toEqual([0, 0, 0]);
    await mend();
    const [made] = await ring.resolve(tenant, [ask([number('1')])]);
    expect(await counts(tenant)).toEqual([1, 1, 1]);
    expect(await ring.find(tenant, [[number('1')]], ['contact'])).toEqual([made]);
  });

  it('is not made by linking to a subject that is erased meanwhile', async () => {
    const tenant = uniqueTenant();
    const [old] = await ring.resolve(tenant, [ask([number('1')])]);
    const eraser = await pool.connect();
    await eraser.query('begin');
    await eraser.query('delete from subject_key where tenant = $1', [tenant]);
    const linking = ring.resolve(tenant, [ask([number('1'), email('a@x.org')])]);
    await eraser.query('commit');
    eraser.release();
    const [made] = await linking;
    expect(made!.ref).not.toBe(old!.ref);
    expect(await counts(tenant)).toEqual([1, 2, 1]);
  });
});

describe('another root key', () => {
  it('is found at start and opens nothing', async () => {
    const tenant = uniqueTenant();
    const [made] = await ring.resolve(tenant, [ask([number('1')])]);
    await expect(ring.verifyRootKey()).resolves.toBeUndefined();
    const wrong = new KeyRing(pool, randomBytes(32));
    await expect(wrong.verifyRootKey()).rejects.toMatchObject({ kind: 'unavailable', code: 'key-not-openable' });
    await expect(wrong.keysOf(tenant, [made!.ref], ['contact'])).rejects.toMatchObject({ code: 'key-not-openable' });
    await expect(wrong.resolve(tenant, [ask([number('2')])])).rejects.toMatchObject({ code: 'key-not-openable' });
  });
});

describe('keys of an epoch', () => {
  it('are those asked for, and none that were erased', async () => {
    const tenant = uniqueTenant();
    const [kept, erased] = await ring.resolve(tenant, [ask([number('1')]), ask([number('2')])]);
    await pool.query('delete from subject_key where tenant = $1 and ref = $2', [tenant, erased!.ref]);
    const wanted = [kept!, erased!].flatMap(({ ref }) => [{ ref, purpose: 'contact', epoch: 1 }, { ref, purpose: 'contact', epoch: 2 }]);
    expect(await ring.keysOfEpoch(tenant, wanted)).toEqual(new Map([[`${kept!.ref}|contact|1`, kept!.keys.get('contact')]]));
    expect(await count('identity_lookup', tenant)).toBe(1);
  });
});
