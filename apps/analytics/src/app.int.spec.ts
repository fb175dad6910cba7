import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createUser } from '@nats-io/nkeys';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { buildService, drainService, makeLogger } from '@millrace/service-kit';
import { sqlCheckpoints } from '@millrace/event-sourcing';
import { freshDatabase, natsUrl, type TestDatabase } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { analyticsConfig, type AnalyticsConfig } from './analytics.config.ts';
import { DATABASE } from './database.token.ts';
import { KpiHub } from './live/kpi-hub.ts';
import { CONSUMER } from './checkpoint/consumer-name.ts';
import { insertFacts } from './sales/fact-insert.ts';
import { orderEvent, SAMPLE_ORDERS } from './sales/sample-orders.ts';
import { salesFactOf } from './sales/sales-facts.projection.ts';

const TOKEN = 'op-token';
const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
let fresh: TestDatabase;
let secrets: string;
let app: NestFastifyApplication;
let address: string;

const addOrders = (from: number, to: number): Promise<void> => app.get<DataSource>(DATABASE).transaction(async (manager) => {
  const facts = SAMPLE_ORDERS.slice(from, to).map((order, index) => orderEvent('shop', from + index + 1, order)).flatMap(({ stored, data }) => salesFactOf(stored, data) ?? []);
  await insertFacts(manager, log, facts);
  await sqlCheckpoints(manager, CONSUMER).save(manager, log, { epoch: 1, position: to, leaf: new Uint8Array(32) });
});

beforeAll(async () => {
  fresh = await freshDatabase();
  secrets = await mkdtemp(join(tmpdir(), 'millrace-analytics-'));
  const seedFile = join(secrets, 'nats.seed');
  await writeFile(seedFile, createUser().getSeed(), { mode: 0o600 });
  const config: AnalyticsConfig = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal', otlpEndpoint: undefined, apiTokens: [{ principal: 'operator', sha256: createHash('sha256').update(TOKEN).digest() }],
    eventsUrl: fresh.url, databaseUrl: fresh.url, natsUrl: natsUrl(), natsSeedFile: seedFile,
  };
  app = await buildService({ config: analyticsConfig, module: async () => (await import('./app.module.ts')).AppModule }, config, makeLogger('analytics', 'fatal'));
  await app.listen(0, '127.0.0.1');
  address = await app.getUrl();
  await addOrders(0, 4);
});
afterAll(async () => { await app.close(); await fresh.drop(); await rm(secrets, { recursive: true }); });

const get = (path: string): Promise<Response> => fetch(`${address}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
const json = async (path: string): Promise<unknown> => (await get(path)).json();

describe('GET /v1/metrics', () => {
  it('lists every metric with unit, meaning, dimensions and filters', async () => {
    expect(await json('/v1/metrics')).toMatchObject({ metrics: expect.arrayContaining([
      { id: 'cohort.retention', version: 1, unit: 'customers', description: expect.any(String), contributionMeans: expect.any(String), dimensions: ['cohort'], filters: ['source', 'currency', 'country', 'product', 'customer', 'kind', 'fact'] },
    ]) });
  });

  it('answers a question with repeated filters', async () => {
    expect(await json('/v1/metrics/revenue.gross?tenant=shop&by=country&where=source%3Dweb&where=currency%3DEUR')).toMatchObject({
      metric: 'revenue.gross', version: 1, asOf: { 'sales/0': 4 }, rows: [{ country: 'AT', currency: 'EUR', value: '16.665' }, { country: 'DE', currency: 'EUR', value: '14.90' }],
    });
  });

  it('traces a number to its events, page by page, by whatever it was broken down', async () => {
    const first = await json('/v1/metrics/orders/events?tenant=shop&by=product&limit=2');
    expect(first).toMatchObject({ events: [{ position: 1, contribution: '1' }, { position: 2, contribution: '1' }], next: 'sales/0:2' });
    expect(await json('/v1/metrics/orders/events?tenant=shop&limit=2&after=sales/0:2')).toMatchObject({ events: [{ position: 3 }], next: null });
  });

  it.each([
    ['/v1/metrics/profit?tenant=shop', 'metric-unknown', /revenue\.gross/],
    ['/v1/metrics/orders?tenant=shop&by=shoe-size', 'dimension-unknown', /hour, day, month/],
    ['/v1/metrics/orders?tenant=shop&where=shoe', 'filter-unknown', /source, currency/],
    ['/v1/metrics/orders?tenant=shop&page=2', 'parameter-unknown', /tenant, by/],
    ['/v1/metrics/orders', 'tenant-missing', /tenant/],
    ['/v1/metrics/orders/events?tenant=shop&after=9', 'after-malformed', /next/],
    ['/v1/stream', 'tenant-missing', /tenant/],
  ])('%s is refused as %s and says what exists', async (path, code, detail) => {
    const response = await get(path);
    expect([response.status, response.headers.get('content-type')]).toEqual([400, expect.stringContaining('application/problem+json')]);
    expect(await response.json()).toMatchObject({ code, detail: expect.stringMatching(detail) });
  });

  it.each(['/v1/metrics', '/v1/metrics/orders?tenant=shop', '/v1/stream?tenant=shop', '/v1/consumers'])('%s wants a token', async (path) => {
    expect((await fetch(`${address}${path}`)).status).toBe(401);
  });
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
    const stream = kpis('/v1/stream?tenant=shop');
    const before = (await stream.next()).value;
    expect(before).toEqual({ tenant: 'shop', asOf: { 'sales/0': 4 }, kpis: [
      { currency: 'EUR', gross: '31.565', clean: '41.565', units: '6', lines: 4, orders: 2, buyers: 2 },
      { currency: 'GBP', gross: '12.50', clean: '0', units: '0', lines: 1, orders: 1, buyers: 0 },
    ] });
    await addOrders(4, 8);
    hub.changed('shop');
    expect((await stream.next()).value).toMatchObject({ asOf: { 'sales/0': 8 }, kpis: [{ currency: 'EUR', gross: '36.010', orders: 3 }, { currency: 'GBP', gross: '-11039.56', buyers: 1 }] });
    await stream.return(undefined);
    expect(hub.subscribers).toBeLessThanOrEqual(1);
  });

  it('ends when the service drains', async () => {
    const stream = kpis('/v1/stream?tenant=shop');
    await stream.next();
    const draining = drainService(app);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    await draining;
  });
});
