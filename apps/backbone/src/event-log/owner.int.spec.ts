import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgEventStore } from '@millrace/event-store';
import { freshDatabase, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { ensureRoles, manifests, MIGRATIONS, PASSWORD, unitsOf } from '../testing.ts';
import { OWNER, prepareEventDatabase } from './owner.ts';

const open: TestDatabase[] = [];
const empty = async (): Promise<TestDatabase> => {
  const database = await freshDatabase();
  open.push(database);
  return database;
};
const rows = <Row extends object>(url: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> => withClient(url, async (client) => (await client.query<Row>(sql, [...values])).rows);

let database: TestDatabase;
let first: { migrations: number; services: number };
beforeAll(async () => {
  database = await empty();
  await ensureRoles(database.url);
  first = await prepareEventDatabase(database.url, manifests);
});
afterAll(async () => { await Promise.all(open.map((each) => each.drop())); });

/** Everything the catalogues say about rights, and the grants of the appends: what two runs must leave alike. */
const RIGHTS = `
  select 'schema' as kind, nspname::text as name, nspacl::text as acl from pg_namespace where nspname in ('log', 'millrace')
  union all select 'relation', c.oid::regclass::text, relacl::text from pg_class c where relnamespace in ('log'::regnamespace, 'millrace'::regnamespace)
  union all select 'function', oid::regprocedure::text, proacl::text from pg_proc where pronamespace = 'millrace'::regnamespace
  union all select 'append', role, context from millrace.append_grant order by 1, 2, 3`;

describe('preparing the event database', () => {
  it('makes schema and grants, then finds nothing more to do', async () => {
    expect(first).toEqual({ migrations: MIGRATIONS, services: 5 });
    const before = await rows(database.url, RIGHTS);
    expect(before.length).toBeGreaterThan(30);
    expect(await prepareEventDatabase(database.url, manifests)).toEqual({ migrations: 0, services: 5 });
    expect(await rows(database.url, RIGHTS)).toEqual(before);
  });

  it('runs many at once, on one database and on several, as one after the other', async () => {
    const [one, two] = [await empty(), await empty()];
    const runs = await Promise.all([one, two].flatMap(({ url }) => Array.from({ length: 4 }, () => prepareEventDatabase(url, manifests))));
    for (const from of [0, 4]) expect(runs.slice(from, from + 4).map(({ migrations }) => migrations).toSorted((a, b) => a - b)).toEqual([0, 0, 0, MIGRATIONS]);
    const expected = await rows(database.url, RIGHTS);
    expect(await rows(one.url, RIGHTS)).toEqual(expected);
    expect(await rows(two.url, RIGHTS)).toEqual(expected);
  });

  it('lets appends go on while it runs again', async () => {
    const store = PgEventStore.connect({ url: database.urlAs('millrace_ingestion', PASSWORD), applicationName: 'spec' });
    const log = { tenant: uniqueTenant(), context: 'sales', shard: 0 } as const;
    const again = Promise.all([1, 2, 3].map(() => prepareEventDatabase(database.url, manifests)));
    for (let round = 0; round < 20; round += 1) expect((await store.append(log, unitsOf(log, 5))).every(({ kind }) => kind === 'appended')).toBe(true);
    await again;
    expect((await store.head(log))?.position).toBe(100);
    await store.close();
  });

  it('takes rights away that a manifest no longer names', async () => {
    const other = await empty();
    await prepareEventDatabase(other.url, manifests);
    const store = PgEventStore.connect({ url: other.urlAs('millrace_analytics', PASSWORD), applicationName: 'spec' });
    await expect(store.read({ tenant: 'shop', context: 'sales', shard: 0 }, 0, 1)).resolves.toEqual([]);
    await prepareEventDatabase(other.url, manifests.filter(({ service }) => service !== 'analytics'));
    await expect(store.read({ tenant: 'shop', context: 'sales', shard: 0 }, 0, 1)).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
    await store.close();
  });

  it('says which role is missing, and leaves no grant behind', async () => {
    const other = await empty();
    const stranger = { ...manifests[0]!, service: uniqueName('stranger').replaceAll('_', '-'), appends: ['sales' as const] };
    await expect(prepareEventDatabase(other.url, [...manifests, stranger])).rejects.toThrow(`role "millrace_${stranger.service}" does not exist`);
    expect(await rows(other.url, 'select * from millrace.append_grant')).toEqual([]);
    await expect(prepareEventDatabase(other.url, manifests)).resolves.toEqual({ migrations: 0, services: 5 });
  });

  it('needs no superuser: a role that may create roles and owns the database will do', async () => {
    // On this server the owner role exists already, and only who has made it, or a superuser, may let another in.
    const [admin, other] = [uniqueName('admin'), await empty()];
    await withClient(other.url, async (client) => {
      await client.query(`create role ${admin} login createrole createdb password '${PASSWORD}'`);
      await client.query(`grant ${OWNER} to ${admin} with admin true, inherit false, set false`);
      await client.query(`alter database ${other.name} owner to ${admin}`);
    });
    const url = other.urlAs(admin, PASSWORD);
    expect(await prepareEventDatabase(url, manifests)).toEqual({ migrations: MIGRATIONS, services: 5 });
    expect(await prepareEventDatabase(url, manifests)).toEqual({ migrations: 0, services: 5 });
    expect(await rows(other.url, RIGHTS)).toEqual(await rows(database.url, RIGHTS));
    await other.drop();
    await withClient(database.url, (client) => client.query(`drop owned by ${admin}; drop role ${admin}`));
  });
});

describe('the owner role', () => {
  it('can\'t log in and has no power beyond its own database', async () => {
    expect(await rows(database.url, 'select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls from pg_roles where rolname = $1', [OWNER]))
      .toEqual([{ rolcanlogin: false, rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolreplication: false, rolbypassrls: false }]);
    await expect(withClient(database.urlAs(OWNER, PASSWORD), async () => undefined)).rejects.toThrow(/not permitted to log in|password authentication failed/);
  });

  it('is brought back to that when somebody has given it more', async () => {
    await withClient(database.url, (client) => client.query(`alter role ${OWNER} login createrole superuser`));
    await prepareEventDatabase(database.url, manifests);
    expect(await rows(database.url, 'select rolcanlogin, rolsuper, rolcreaterole from pg_roles where rolname = $1', [OWNER])).toEqual([{ rolcanlogin: false, rolsuper: false, rolcreaterole: false }]);
  });

  it('owns the database, both schemas, every relation and every function', async () => {
    const owners = `select distinct pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()
      union select pg_get_userbyid(nspowner) from pg_namespace where nspname in ('log', 'millrace')
      union select pg_get_userbyid(relowner) from pg_class where relnamespace in ('log'::regnamespace, 'millrace'::regnamespace)
      union select pg_get_userbyid(proowner) from pg_proc where pronamespace in ('log'::regnamespace, 'millrace'::regnamespace)`;
    expect(await rows(database.url, owners)).toEqual([{ owner: OWNER }]);
  });

  it('has no service among its members', async () => {
    expect(await rows(database.url, `select m.rolname from pg_auth_members a join pg_roles m on m.oid = a.member where a.roleid = $1::regrole and not m.rolsuper and m.rolname like 'millrace%'`, [OWNER])).toEqual([]);
    await expect(withClient(database.urlAs('millrace_backbone', PASSWORD), (client) => client.query(`set role ${OWNER}`))).rejects.toThrow(/permission denied to set role/);
  });

  it('lends its rights only to functions whose search path is pinned', async () => {
    const loose = `select oid::regprocedure::text as name from pg_proc where pronamespace = 'millrace'::regnamespace
      and prosecdef and not coalesce(proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']`;
    expect(await rows(database.url, loose)).toEqual([]);
  });
});

describe('PUBLIC', () => {
  it('has no right on anything in the event database\'s schemas', async () => {
    const granted = `select name, privilege_type from (
        select nspname::text as name, coalesce(nspacl, acldefault('n', nspowner)) as acl from pg_namespace where nspname in ('log', 'millrace')
        union all select c.oid::regclass::text, coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)) from pg_class c where relnamespace in ('log'::regnamespace, 'millrace'::regnamespace) and relkind in ('r', 'v', 'S')
        union all select oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) from pg_proc where pronamespace in ('log'::regnamespace, 'millrace'::regnamespace)
      ) things, aclexplode(acl) where grantee = 0`;
    expect(await rows(database.url, granted)).toEqual([]);
  });

  it('can make nothing in the public schema, where a function\'s caller might look', async () => {
    const stranger = uniqueName('stranger');
    await withClient(database.url, (client) => client.query(`create role ${stranger} login password '${PASSWORD}'`));
    await withClient(database.urlAs(stranger, PASSWORD), async (client) => {
      await expect(client.query('create table public.event (x int)')).rejects.toThrow(/permission denied for schema public/);
      for (const sql of ['select * from log.head', 'select * from millrace.event', 'select millrace.compact_counts()', 'create table log.mine (x int)']) await expect(client.query(sql)).rejects.toThrow(/permission denied for schema/);
    });
    await withClient(database.url, (client) => client.query(`drop role ${stranger}`));
  });
});
