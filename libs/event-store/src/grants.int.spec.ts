import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from 'pg';
import type { LogKey } from '@millrace/kernel';
import { sampleLog, single } from './event-store.conformance.ts';
import { applyGrants, grantStatements, PgEventStore, renewEpoch, roleOf } from './index.ts';
import { GrantedDatabase } from './testing.ts';
import { withClient } from '@millrace/testing';

const COLUMN_OF = { event: 'tenant', segment: 'tenant', log_head: 'tenant', intake_count: 'tenant', reject: 'tenant', append_grant: 'role', log_shards: 'tenant', log_epoch: 'tenant', migration: 'name' };
const ON_TABLES = Object.entries(COLUMN_OF).flatMap(([table, column]) => [
  `SELECT FROM millrace.${table}`, `INSERT INTO millrace.${table} DEFAULT VALUES`, `UPDATE millrace.${table} SET ${column} = 'x'`, `DELETE FROM millrace.${table}`, `TRUNCATE millrace.${table}`, `DO $$ BEGIN LOCK TABLE millrace.${table}; END $$`,
]);
const ON_VIEWS = ['sales', 'customer', 'reject'].flatMap((view) => [`INSERT INTO log.${view} DEFAULT VALUES`, `UPDATE log.${view} SET tenant = 'x'`, `DELETE FROM log.${view}`]);

describe('a service role', () => {
  let database: GrantedDatabase;
  let shop: LogKey;
  let ingestion: string;
  let analytics: string;
  let backbone: string;
  let idle: string;
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    [ingestion = '', analytics = '', backbone = '', idle = ''] = await database.grant(
      { appends: ['sales', 'customer'], reads: ['inventory'], relay: false }, { appends: [], reads: ['sales'], relay: false },
      { appends: ['backbone'], reads: [], relay: true }, { appends: [], reads: [], relay: false },
    );
    shop = sampleLog();
    const store = database.store(ingestion);
    await store.append(shop, [single(shop)], { countAs: 'intake' });
    await store.append({ ...shop, context: 'customer' }, [single({ ...shop, context: 'customer' })], { countAs: 'intake' });
  });
  afterAll(() => database.drop());

  const sqlState = async (client: Client, sql: string): Promise<string> => client.query(sql).then(() => 'done', (error: { code: string }) => error.code);

  it.each(['ingestion', 'analytics', 'backbone', 'idle'])('%s can insert, update, delete and truncate nothing', async (name) => {
    const client = await database.client({ ingestion, analytics, backbone, idle }[name]!);
    const states = new Set<string>();
    for (const sql of [...ON_TABLES, ...ON_VIEWS]) states.add(await sqlState(client, sql));
    expect([...states]).toEqual(['42501']);
  });

  it('appends to its own contexts only', async () => {
    const store = database.store(ingestion);
    for (const [as, context] of [[store, 'inventory'], [store, 'backbone'], [database.store(analytics), 'sales'], [database.store(idle), 'sales'], [database.store(backbone), 'sales']] as const) {
      const log = { ...shop, context };
      await expect(as.append(log, [single(log)])).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
    }
    expect(await store.append(shop, [single(shop)])).toMatchObject([{ kind: 'appended' }]);
  });

  it('reads the contexts it declares only', async () => {
    const [reader, writer] = [database.store(analytics), database.store(ingestion)];
    expect(await reader.read(shop, 0, 1)).toHaveLength(1);
    for (const refused of [reader.read({ ...shop, context: 'customer' }, 0, 1), writer.read(shop, 0, 1), writer.readStream(shop.tenant, 'sales.order/1', 0, 1), writer.mark(shop, 1), database.store(idle).heads()]) {
      await expect(refused).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
    }
    expect((await reader.heads(shop.tenant)).map((head) => head.context)).toEqual(['sales']);
    expect((await writer.heads(shop.tenant)).map((head) => head.context)).toEqual(['customer', 'sales']);
    expect((await database.store(backbone).heads(shop.tenant)).map((head) => head.context)).toEqual(['customer', 'sales']);
    expect(await reader.head({ ...shop, context: 'customer' })).toBeUndefined();
  });

  it('is told of ids in the contexts it reads, or of all when it appends', async () => {
    const ids = (await database.owner<{ id: string }>('SELECT id FROM millrace.event WHERE tenant = $1 AND position = 1 ORDER BY context', [shop.tenant])).map((row) => row.id);
    expect((await database.store(analytics).findEvents(shop.tenant, ids)).map((known) => known.log.context)).toEqual(['sales']);
    expect((await database.store(ingestion).findEvents(shop.tenant, ids)).map((known) => known.log.context)).toEqual(['customer', 'sales']);
    await expect(database.store(ingestion).findEvent(shop.tenant, ids[0]!)).rejects.toMatchObject({ code: 'not-granted' });
    expect(await database.store(analytics).findEvent(shop.tenant, ids[0]!)).toBeUndefined();
  });

  it('cannot become another role, grant itself a context, or reach the owner', async () => {
    const client = await database.client(analytics);
    for (const sql of [`SET ROLE ${roleOf(ingestion)}`, 'SET ROLE postgres', `SET SESSION AUTHORIZATION ${roleOf(ingestion)}`, 'CREATE TABLE log.x (n int)', 'CREATE TABLE public.x (n int)', 'CREATE FUNCTION millrace.x() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      `SELECT millrace.keep_rejects('[]')`, `SELECT millrace.assert_append_grant('sales')`, `SELECT millrace.compact_counts()`, `SELECT millrace.record_receipts('[]')`, `SELECT * FROM millrace.stream_versions('t', '{}')`]) {
      expect([sql, await sqlState(client, sql)]).toEqual([sql, '42501']);
    }
  });

  it('sees no other context through a function of its own in a query', async () => {
    const client = await database.client(analytics);
    const noticed: string[] = [];
    client.on('notice', (notice) => noticed.push(notice.message ?? ''));
    await client.query('CREATE FUNCTION pg_temp.peek(bytea) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE \'%\', convert_from($1, \'UTF8\'); RETURN true; END $$');
    await client.query('SELECT count(*) FROM log.sales WHERE pg_temp.peek(envelope)');
    expect(noticed.length).toBeGreaterThan(0);
    expect(noticed.filter((text) => !text.includes('"sales.'))).toEqual([]);
  });

  it('is refused a batch that breaks the bounds or would leave a gap, called past the library', async () => {
    const client = await database.client(ingestion);
    const call = (place: string, length: number, bytes: number, id = 'x'): Promise<string> => sqlState(client, `SELECT millrace.append_events('${shop.tenant}', 'sales', 0, NULL, NULL, '{sales.order/raw}', '{-1}', '{${id}}', '{sales.order/raw}', '{${place}}', '{1}', '{1}', '{1}', '{2}', '{${length}}',
      decode(repeat('30', ${bytes}), 'hex'), '{}', '{}', '{}', NULL)`);
    expect(await call('2', 1, 116)).toBe('22023');
    expect(await call('0', 1, 116)).toBe('22023');
    expect(await call('1', 1, 115)).toBe('22023');
    expect(await call('1', 524_289, 524_404)).toBe('22023');
    expect(await call('1', 1, 116, 'x'.repeat(201))).toBe('22023');
    expect(await call('1', 1, 116)).toBe('done');
  });

  it('sums of counters stay the same when the relaying service folds them', async () => {
    const [store, relay] = [database.store(ingestion), database.store(backbone)];
    for (let n = 0; n < 5; n += 1) await store.recordReceipt(shop.tenant, 'web', 2);
    const before = await store.counts(shop.tenant);
    expect(before).toMatchObject([{ source: 'web', received: 10, accepted: 2 }]);
    await Promise.all([relay.compactCounts(), relay.compactCounts(), store.recordReceipt('other', 'web', 1)]);
    expect(await relay.counts(shop.tenant)).toEqual(before);
    await expect(store.compactCounts()).rejects.toMatchObject({ code: 'not-granted' });
  });

  it('that appends no facts from outside can touch neither accounting nor rejects', async () => {
    const [relay, client] = [database.store(backbone), await database.client(backbone)];
    const own = { ...shop, context: 'backbone' } as const;
    const forged = JSON.stringify([{ tenant: shop.tenant, reject_id: 'forged', via: 'web', pointer: '', code: 'x', reason: 'x', received_at: '2026-01-01T00:00:00Z', body: '' }]);
    const appending = (sources: string, rejects: string): string => `SELECT millrace.append_events('${shop.tenant}', 'backbone', 0, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ''::bytea, ${sources}, ${rejects})`;
    const before = await relay.counts(shop.tenant);
    const kept = await relay.listRejects(shop.tenant, 10);
    for (const sql of [`SELECT millrace.record_receipts('[]')`, `SELECT millrace.record_rejects('${forged}')`, `SELECT millrace.receipts_stand(gen_random_uuid())`, appending(`'{web}', '{accepted}', '{5}'`, 'NULL')]) {
      expect([sql, await sqlState(client, sql)]).toEqual([sql, '42501']);
    }
    expect(await sqlState(client, appending(`'{}', '{}', '{}'`, `'${forged}'`))).toBe('done');
    const first = single(own);
    await relay.append(own, [first]);
    expect(await relay.append(own, [single(own, { id: first.events[0]!.envelope.id, fingerprint: 'c'.repeat(64) })])).toMatchObject([{ kind: 'conflict' }]);
    expect(await relay.counts(shop.tenant)).toEqual(before);
    expect(await relay.listRejects(shop.tenant, 10)).toEqual(kept);
  });

  it('cannot take anything off a count', async () => {
    const client = await database.client(ingestion);
    expect(await sqlState(client, `SELECT millrace.record_receipts('[{"tenant":"${shop.tenant}","source":"web","n":-1}]')`)).toBe('23514');
    expect(await sqlState(client, `SELECT millrace.append_events('${shop.tenant}', 'sales', 0, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ''::bytea, '{web}', '{accepted}', '{-5}', NULL)`)).toBe('23514');
  });

  it('keeps both bodies of a conflict, and lists neither', async () => {
    const store = database.store(ingestion);
    const first = single(shop, { body: 'one' });
    await store.append(shop, [first]);
    await store.append(shop, [single(shop, { id: first.events[0]!.envelope.id, fingerprint: 'c'.repeat(64), body: 'two' })]);
    expect((await store.listRejects(shop.tenant, 1))[0]).not.toHaveProperty('body');
    const [kept] = await database.owner<{ body: Buffer; first_body: Buffer }>('SELECT body, first_body FROM millrace.reject WHERE tenant = $1', [shop.tenant]);
    expect([kept!.first_body.toString(), kept!.body.toString()]).toEqual(['{"body":"one"}', '{"body":"two"}']);
  });

  it('loses what its manifest no longer declares, and all of it when the manifest is gone', async () => {
    const own = await GrantedDatabase.make();
    const [service = '', gone = ''] = await own.grant({ appends: ['sales'], reads: ['sales', 'customer'], relay: true }, { appends: ['sales'], reads: ['sales'], relay: false });
    const log = sampleLog();
    await own.store(service).append(log, [single(log)]);
    await applyGrants(own.url, [{ service, appends: [], reads: ['customer'], relay: false }]);
    const store = own.store(service);
    await expect(store.append(log, [single(log)])).rejects.toMatchObject({ code: 'not-granted' });
    await expect(store.read(log, 0, 1)).rejects.toMatchObject({ code: 'not-granted' });
    await expect(store.compactCounts()).rejects.toMatchObject({ code: 'not-granted' });
    await expect(own.store(gone).heads()).rejects.toMatchObject({ code: 'not-granted' });
    expect(await store.read({ ...log, context: 'customer' }, 0, 1)).toEqual([]);
    await own.drop();
  });
});

describe('grant statements', () => {
  it('need no role for a service that is given nothing', async () => {
    const database = await GrantedDatabase.make();
    await expect(applyGrants(database.url, [{ service: 'never-made', appends: [], reads: [], relay: false }])).resolves.toBeUndefined();
    await database.drop();
  });
  it('name roles after services and quote what they are given', () => {
    const sql = grantStatements([{ service: `o'"dd`, appends: ['sales'], reads: [], relay: false }]).join('\n');
    expect(sql).toContain(`TO "millrace_o'""dd"`);
    expect(sql).toContain(`('millrace_o''"dd', 'sales', true)`);
  });
});

describe('renewing an epoch', () => {
  it('always increases it and needs the owner and a log', async () => {
    const database = await GrantedDatabase.make();
    const [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
    const log = sampleLog();
    await withClient(database.url, async (owner) => {
      await expect(renewEpoch(owner, log)).rejects.toMatchObject({ kind: 'not-found', code: 'log-unknown' });
      await database.store(service).append(log, [single(log)]);
      const epochs = [await renewEpoch(owner, log), await renewEpoch(owner, log), await renewEpoch(owner, log)];
      expect(new Set(epochs).size).toBe(3);
      expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    });
    await expect(renewEpoch(await database.client(service), log)).rejects.toMatchObject({ code: '42501' });
    const frozen: PgEventStore = database.store(service);
    await frozen.append(log, [single(log)]);
    await withClient(database.url, (owner) => renewEpoch(owner, log));
    const calls = await Promise.allSettled([frozen.append(log, [single(log)]), frozen.append(log, [single(log)])]);
    expect(calls.map((call) => call.status)).toEqual(['rejected', 'rejected']);
    await database.drop();
  });
});
