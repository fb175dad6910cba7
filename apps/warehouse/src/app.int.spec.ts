import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyGrants, migrateEventStore, PgEventStore, renewEpoch } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { buildService, drainService, EventTransport, makeLogger } from '@millrace/service-kit';
import { eventually, freshDatabase, natsUrl, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { createUser } from '@nats-io/nkeys';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SAMPLE_SHOP, storedLogs, type SampleEvent } from './fixtures/sample-log.ts';
import { warehouseConfig, type WarehouseConfig } from './warehouse.config.ts';

const TOKEN = 'op-token';
const tenant = uniqueTenant();
let events: TestDatabase;
let store: PgEventStore;
let config: WarehouseConfig;
let app: NestFastifyApplication;

const started = async (): Promise<NestFastifyApplication> =>
  buildService({ config: warehouseConfig, module: async () => (await import('./app.module.ts')).AppModule, transports: [EventTransport] }, config, makeLogger('warehouse', 'fatal'));

beforeAll(async () => {
  events = await freshDatabase({ template: 'warehouse_events', migrate: async (url) => { await migrateEventStore(url); } });
  const service = uniqueName('both');
  const contexts = ['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'security'] as const;
  await withClient(events.url, async (owner) => {
    await owner.query(`create role millrace_${service} login password 'only-here'`);
    await applyGrants(owner, [{ service, appends: contexts, reads: contexts, relay: false }]);
  });
  const eventsUrl = events.urlAs(`millrace_${service}`, 'only-here');
  store = PgEventStore.connect({ url: eventsUrl, applicationName: 'spec' });
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-warehouse-app-'));
  const natsSeedFile = join(dataDir, 'nats.seed');
  await writeFile(natsSeedFile, createUser().getSeed(), { mode: 0o600 });
  config = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal', otlpEndpoint: undefined, segmentsDir: undefined, apiTokens: [{ principal: 'operator', sha256: createHash('sha256').update(TOKEN).digest() }],
    eventsUrl, natsUrl: natsUrl(), natsSeedFile, dataDir, queryTimeoutMs: 6_000, queryProcesses: 2,
  };
  app = await started();
  await append(SAMPLE_SHOP.slice(0, 12));
  await reached({ 'customer/0': 3, 'merchandise/0': 3, 'sales/0': 6 });
});
afterAll(async () => {
  await drainService(app);
  await store.close();
  await events.drop();
  await rm(config.dataDir, { recursive: true, force: true });
});

const append = async (sample: readonly SampleEvent[]): Promise<void> => {
  for (const stored of storedLogs(tenant, sample).values()) {
    for (const { log, envelope: { recordedtime: _, ...envelope }, data } of stored) await store.append(log, [{ stream: envelope.stream, expectedVersion: 'any', events: [{ envelope, data }] }]);
  }
};
const send = (body: unknown, token = TOKEN) => app.inject({ method: 'POST', url: '/v1/query', payload: body as object, headers: { authorization: `Bearer ${token}` } });
const ask = async (sql: string): Promise<unknown> => (await send({ tenant, sql })).json();
const get = (url: string, token?: string) => app.inject({ method: 'GET', url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
const standing = async (): Promise<Record<string, number>> => {
  const { consumers } = (await get('/v1/consumers', TOKEN)).json<{ consumers: { tenant: string; log: string; position: number }[] }>();
  return Object.fromEntries(consumers.filter((each) => each.tenant === tenant).map(({ log, position }) => [log, position]));
};
const reached = (asOf: Record<string, number>): Promise<unknown> => eventually(`positions ${JSON.stringify(asOf)}`, async () => {
  const at = await standing();
  return Object.entries(asOf).every(([log, position]) => at[log] === position);
});

describe('POST /v1/query', () => {
  it('answers over what the logs hold, with the vector it stands for', async () => {
    expect(await ask('select currency, sum(amount) as value from order_line group by 1 order by 1')).toEqual({
      asOf: { 'customer/0': 3, 'merchandise/0': 3, 'sales/0': 6 },
      columns: [{ name: 'currency', type: 'VARCHAR' }, { name: 'value', type: 'DECIMAL(38,12)' }],
      rows: [{ currency: 'EUR', value: '46.565' }, { currency: 'GBP', value: '12.5' }],
    });
  });

  it('sees an event as soon as it is loaded', async () => {
    await append(SAMPLE_SHOP.slice(12));
    await reached({ 'sales/0': 8, 'merchandise/0': 4 });
    expect(await ask('select sum(amount) as value from order_line where currency = \'EUR\'')).toMatchObject({ asOf: { 'sales/0': 8 }, rows: [{ value: '41.01' }] });
  });

  it.each<[string, string]>([
    ['select * from read_csv(\'/etc/passwd\')', 'sql-function-not-allowed'], ['select * from \'file.csv\'', 'sql-table-unknown'], ['copy order_line to \'x\'', 'sql-not-select'],
    ['insert into order_line values (1)', 'sql-not-select'], ['create table t(a int)', 'sql-not-select'], ['attach \'x\'', 'sql-not-select'], ['install httpfs', 'sql-not-select'], ['load httpfs', 'sql-not-select'],
    ['set threads = 8', 'sql-not-select'], ['pragma database_list', 'sql-not-select'], ['select 1; select 2', 'sql-several-statements'], ['select getenv(\'PATH\')', 'sql-function-not-allowed'],
    ['select * from duckdb_settings()', 'sql-function-not-allowed'], ['select * from duckdb_secrets()', 'sql-function-not-allowed'], ['select * from order_line a, order_line b, range(1000)', 'query-result-too-large'],
    ['with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t', 'query-timeout'], ['select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = -1', 'query-timeout'],
    ['select list(range) from range(100000000)', 'query-memory-exceeded'], ['selec 1', 'sql-syntax'], ['select nosuch from order_line', 'sql-failed'],
  ])('refuses %s as a problem, and answers the next', async (sql, code) => {
    const answer = await send({ tenant, sql });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([422, expect.stringContaining('application/problem+json')]);
    expect(answer.json()).toEqual({ type: `urn:millrace:problem:${code}`, title: 'Not acceptable as it is', status: 422, code, detail: expect.stringMatching(/\w{3}/), traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(await ask('select 1 as n')).toMatchObject({ rows: [{ n: 1 }] });
  });

  it.each<[string, unknown, string]>([
    ['no tenant', { sql: 'select 1' }, 'query-malformed'], ['no SQL', { tenant }, 'query-malformed'], ['empty SQL', { tenant, sql: '' }, 'query-malformed'], ['SQL that is no text', { tenant, sql: ['select 1'] }, 'query-malformed'],
    ['more rows than may be asked for', { tenant, sql: 'select 1', maxRows: 1_000_000 }, 'query-malformed'], ['another field', { tenant, sql: 'select 1', timeout: 9 }, 'query-malformed'], ['a tenant that is a path', { tenant: '../other', sql: 'select 1' }, 'tenant-malformed'],
  ])('refuses %s with 400 and says what it wants', async (_, body, code) => {
    const answer = await send(body);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([400, code]);
  });

  it('counts rows from the caller\'s bound', async () => {
    expect((await send({ tenant, sql: 'select * from range(4)', maxRows: 3 })).json()).toMatchObject({ code: 'query-result-too-large', detail: expect.stringContaining('at most 3 rows') });
  });

  it('wants a token', async () => {
    expect((await send({ tenant, sql: 'select 1' }, 'wrong')).statusCode).toBe(401);
    expect((await get('/v1/consumers')).statusCode).toBe(401);
  });

  it('turns away what can no longer wait', async () => {
    const slow = 'with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t';
    const answers = await Promise.all(Array.from({ length: 21 }, () => send({ tenant, sql: slow })));
    const turnedAway = answers.filter((answer) => answer.statusCode === 503);
    expect(turnedAway.length).toBeGreaterThanOrEqual(3);
    expect(turnedAway.map((answer) => [answer.json<{ code: string }>().code, answer.headers['retry-after']])).toEqual(turnedAway.map(() => ['query-queue-full', '2']));
    expect(answers.filter((answer) => answer.statusCode === 422)).toHaveLength(21 - turnedAway.length);
    expect(await ask('select 1 as n')).toMatchObject({ rows: [{ n: 1 }] });
  }, 120_000);
});

describe('the service', () => {
  it('is ready when the event database, DuckDB and the bus answer, and counts what it loads', async () => {
    expect(await eventually('ready', async () => { const report = (await get('/ready')).json<{ ready: boolean }>(); return report.ready && report; })).toEqual({ ready: true, checks: { duckdb: 'ok', events: 'ok', nats: 'ok' } });
    expect((await get('/metrics')).body).toContain(`millrace_consumer_lag_events{tenant="${tenant}",log="sales/0"} 0`);
    expect((await get('/metrics')).body).toContain('millrace_warehouse_queries{state="running"} 0');
    expect((await get('/metrics')).body).toContain('millrace_warehouse_query_duration_seconds_count{outcome="ok"}');
  });

  it('goes on after a restart where it stood', async () => {
    await drainService(app);
    await append([{ type: 'clickstream.page.viewed', id: 'page', time: '2026-01-01T00:00:00Z', data: { path: '/' } }]);
    app = await started();
    await reached({ 'clickstream/0': 1, 'sales/0': 8 });
    expect(await ask('select count(*) as n from order_line')).toMatchObject({ asOf: { 'clickstream/0': 1, 'sales/0': 8 }, rows: [{ n: 9 }] });
  });

  it('takes what a fact in the security log redacts out of what is asked and counts it', async () => {
    await append([{ type: 'security.event.redacted', id: 'redacted/sales/0/1', time: '2026-03-02T00:00:00Z', data: { context: 'sales', shard: 0, position: 1, eventId: 'e-o1', reason: 'TICKET-1: found late' } }]);
    await reached({ 'security/0': 1 });
    expect(await ask('select count(*) as n, count(*) filter (order_id = \'o1\') as gone from order_line')).toMatchObject({ asOf: { 'security/0': 1 }, rows: [{ n: 7, gone: 0 }] });
    expect((await get('/metrics')).body).toContain(`millrace_warehouse_events_redacted_total{tenant="${tenant}"} 1`);
  });

  it('stops as diverged when the log is another than the one it loaded', async () => {
    const log: LogKey = { tenant, context: 'sales', shard: 0 };
    await withClient(events.url, (owner) => renewEpoch(owner, log));
    const found = await eventually('it says so', async () => {
      const { consumers } = (await get('/v1/consumers', TOKEN)).json<{ consumers: { tenant: string; log: string; state: string; reason?: string }[] }>();
      return consumers.find((each) => each.tenant === tenant && each.log === 'sales/0' && each.state === 'diverged');
    });
    expect(found.reason).toMatch(/epoch/);
  });
});
