import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createUser } from '@nats-io/nkeys';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { buildService, drainService, EventTransport, makeLogger } from '@millrace/service-kit';
import { applyGrants, migrateEventStore, PgEventStore } from '@millrace/event-store';
import { eventually, freshDatabase, natsUrl, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { analyticsConfig, type AnalyticsConfig } from './analytics.config.ts';
import { KpiHub } from './live/kpi-hub.ts';
import { orderEvent, SAMPLE_ORDERS } from './sales/sample-orders.ts';

const TOKEN = 'op-token';
const CONSOLE_TOKEN = 'console-token';
const log = { tenant: uniqueTenant(), context: 'sales', shard: 0 } as const;
const { tenant } = log;
let readModels: TestDatabase;
let events: TestDatabase;
let shop: PgEventStore;
let secrets: string;
let app: NestFastifyApplication;
let address: string;

/** Appends sample orders to the log, as intake would. */
const placeOrders = async (from: number, to: number): Promise<void> => {
  const units = SAMPLE_ORDERS.slice(from, to).map((order, index) => {
    const { stored: { envelope: { recordedtime: _, ...envelope } }, data } = orderEvent(tenant, from + index + 1, order);
    return { stream: envelope.stream, expectedVersion: 'any' as const, events: [{ envelope: { ...envelope, fingerprint: '00'.repeat(32) }, data: Buffer.from(JSON.stringify(data)) }] };
  });
  const outcomes = await shop.append(log, units);
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(units.map(() => 'appended'));
};

const consumed = (position: number): Promise<unknown> => eventually(`position ${position}`, async () => {
  const { consumers } = await json('/v1/consumers') as { consumers: { tenant: string; position: number }[] };
  return consumers.some((consumer) => consumer.tenant === tenant && consumer.position === position);
});

beforeAll(async () => {
  [readModels, events] = await Promise.all([freshDatabase(), freshDatabase({ template: 'analytics_events', migrate: async (url) => { await migrateEventStore(url); } })]);
  const [writer, reader] = [uniqueName('shop'), uniqueName('analytics')];
  await withClient(events.url, async (owner) => {
    for (const service of [writer, reader]) await owner.query(`create role millrace_${service} login password 'only-here'`);
    await applyGrants(owner, [{ service: writer, appends: ['sales'], reads: [], relay: false }, { service: reader, appends: [], reads: ['sales'], relay: false }]);
  });
  shop = PgEventStore.connect({ url: events.urlAs(`millrace_${writer}`, 'only-here'), applicationName: 'spec' });
  secrets = await mkdtemp(join(tmpdir(), 'millrace-analytics-'));
  const natsSeedFile = join(secrets, 'nats.seed');
  await writeFile(natsSeedFile, createUser().getSeed(), { mode: 0o600 });
  const config: AnalyticsConfig = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal', otlpEndpoint: undefined, segmentsDir: undefined,
    apiTokens: ([['operator', TOKEN], ['console', CONSOLE_TOKEN]] as const).map(([principal, token]) => ({ principal, sha256: createHash('sha256').update(token).digest() })),
    eventsUrl: events.urlAs(`millrace_${reader}`, 'only-here'), databaseUrl: readModels.url, natsUrl: natsUrl(), natsSeedFile, instance: 0,
  };
  app = await buildService({ config: analyticsConfig, module: async () => (await import('./app.module.ts')).AppModule, transports: [EventTransport] }, config, makeLogger('analytics', 'fatal'));
  await app.listen(0, '127.0.0.1');
  address = await app.getUrl();
  await placeOrders(0, 4);
  await consumed(4);
});
afterAll(async () => {
  await drainService(app);
  await shop.close();
  await Promise.all([readModels.drop(), events.drop(), rm(secrets, { recursive: true })]);
});

const get = (path: string): Promise<Response> => fetch(`${address}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
const json = async (path: string): Promise<unknown> => (await get(path)).json();

describe('GET /v1/metrics', () => {
  it('lists every metric with unit, meaning, dimensions and filters', async () => {
    expect(await json('/v1/metrics')).toMatchObject({ metrics: expect.arrayContaining([
      { id: 'cohort.retention', version: 1, unit: 'customers', description: expect.any(String), contributionMeans: expect.any(String), dimensions: ['cohort'], filters: ['source', 'currency', 'country', 'product', 'customer', 'kind', 'fact'] },
    ]) });
  });

  it('answers a question with repeated filters', async () => {
    expect(await json(`/v1/metrics/revenue.gross?tenant=${tenant}&by=country&where=source%3Dweb&where=currency%3DEUR`)).toMatchObject({
      metric: 'revenue.gross', version: 1, asOf: { 'sales/0': 4 }, rows: [{ country: 'AT', currency: 'EUR', value: '16.665' }, { country: 'DE', currency: 'EUR', value: '14.90' }],
    });
  });

  it('traces a number to its events, page by page, by whatever it was broken down', async () => {
    const first = await json(`/v1/metrics/orders/events?tenant=${tenant}&by=product&limit=2`);
    expect(first).toMatchObject({ events: [{ position: 1, contribution: '1' }, { position: 2, contribution: '1' }], next: 'sales/0:2' });
    expect(await json(`/v1/metrics/orders/events?tenant=${tenant}&limit=2&after=sales/0:2`)).toMatchObject({ events: [{ position: 3 }], next: null });
  });

  it.each([
    [`/v1/metrics/profit?tenant=${tenant}`, 'metric-unknown', /revenue\.gross/],
    [`/v1/metrics/orders?tenant=${tenant}&by=shoe-size`, 'dimension-unknown', /hour, day, month/],
    [`/v1/metrics/orders?tenant=${tenant}&where=shoe`, 'filter-unknown', /source, currency/],
    [`/v1/metrics/orders?tenant=${tenant}&page=2`, 'parameter-unknown', /tenant, by/],
    ['/v1/metrics/orders', 'tenant-missing', /tenant/],
    [`/v1/metrics/orders/events?tenant=${tenant}&after=9`, 'after-malformed', /next/],
    ['/v1/stream', 'tenant-missing', /tenant/],
  ])('%s is refused as %s and says what exists', async (path, code, detail) => {
    const response = await get(path);
    expect([response.status, response.headers.get('content-type')]).toEqual([400, expect.stringContaining('application/problem+json')]);
    expect(await response.json()).toMatchObject({ code, detail: expect.stringMatching(detail) });
  });

  it.each(['/v1/metrics', `/v1/metrics/orders?tenant=${tenant}`, `/v1/stream?tenant=${tenant}`, '/v1/consumers'])('%s wants a token', async (path) => {
    expect((await fetch(`${address}${path}`)).status).toBe(401);
  });
});

it('is ready with its databases and the bus, and tells what it applied and how far behind it is', async () => {
  expect(await eventually('ready', async () => { const report = await json('/ready') as { ready: boolean }; return report.ready && report; })).toEqual({ ready: true, checks: { database: 'ok', events: 'ok', nats: 'ok' } });
  const metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).toContain(`millrace_consumer_lag_events{tenant="${tenant}",log="sales/0"} 0`);
  expect(metrics).toContain(`millrace_consumer_position{tenant="${tenant}",log="sales/0"} 4`);
});

it('shows where it stands in each log', async () => {
  const standing = await eventually('a running consumer', async () => {
    const answer = await json('/v1/consumers');
    return JSON.stringify(answer).includes('running') && answer;
  });
  expect(standing).toEqual({ consumers: [{ tenant, log: 'sales/0', epoch: expect.any(Number), position: 4, leaf: expect.stringMatching(/^[0-9a-f]{64}$/), state: 'running', parked: 0 }] });
});

describe('read models and parked events over HTTP', () => {
  it('are listed', async () => {
    expect(await json('/v1/projections')).toEqual({ projections: [{ projection: 'sales-facts', version: 2, build: 1, state: 'active', position: 4, target: 4, parked: 0 }] });
    expect(await json('/v1/parked?consumer=sales-facts&limit=5')).toEqual({ parked: [], next: null });
  });

  it.each([
    ['/v1/projections/shoes/diff', 404, 'build-unknown'], ['/v1/projections/sales-facts/diff?build=x', 400, 'request-malformed'], ['/v1/parked?limit=0', 400, 'request-malformed'],
    ['/v1/parked?page=1', 400, 'request-malformed'], ['/v1/parked/17', 400, 'parked-id-malformed'], ['/v1/parked/sales-facts@1:shop:sales:0:17', 404, 'parked-event-unknown'],
  ])('%s is answered %i %s', async (path, status, code) => {
    const response = await get(path);
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
  });
});

it.each([['GET', 'diff'], ['POST', 'rebuild'], ['POST', 'switch'], ['POST', 'drop']])('keeps %s %s of a projection for the operator', async (method, what) => {
  const response = await fetch(`${address}/v1/projections/sales-facts/${what}`, { method, headers: { authorization: `Bearer ${CONSOLE_TOKEN}` } });
  expect([response.status, await response.json()]).toEqual([403, expect.objectContaining({ code: 'principal-not-allowed' })]);
});

describe('GET /v1/stream', () => {
  /** Reads server-sent events until `enough`. */
  const kpis = async function* (path: string): AsyncGenerator<{ asOf: Record<string, number>; kpis: unknown[] }> {
    const response = await get(path);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = /^event: kpi\ndata: (.*)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (data !== undefined) yield JSON.parse(data);
      }
    }
  };

  it('sends the KPIs at once and again after a commit, and gives its place back', async () => {
    const hub = app.get(KpiHub);
    const stream = kpis(`/v1/stream?tenant=${tenant}`);
    const before = (await stream.next()).value;
    expect(before).toEqual({ tenant, asOf: { 'sales/0': 4 }, kpis: [
      { currency: 'EUR', gross: '31.565', clean: '41.565', units: '6', lines: 4, orders: 2, buyers: 2 },
      { currency: 'GBP', gross: '12.50', clean: '0', units: '0', lines: 1, orders: 1, buyers: 0 },
    ] });
    await placeOrders(4, 8);
    await consumed(8);
    let last = (await stream.next()).value;
    while (last?.asOf['sales/0'] !== 8) last = (await stream.next()).value;
    expect(last).toMatchObject({ asOf: { 'sales/0': 8 }, kpis: [{ currency: 'EUR', gross: '36.010', orders: 3 }, { currency: 'GBP', gross: '-11039.56', buyers: 1 }] });
    await stream.return(undefined);
    expect(hub.subscribers).toBeLessThanOrEqual(1);
  });

  it('ends when the service drains', async () => {
    const stream = kpis(`/v1/stream?tenant=${tenant}`);
    await stream.next();
    const draining = drainService(app);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    await draining;
  });
});
