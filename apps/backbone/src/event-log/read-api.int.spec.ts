import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PgEventStore } from '@millrace/event-store';
import { buildService, drainService, makeLogger } from '@millrace/service-kit';
import type { LogKey } from '@millrace/kernel';
import { eventually, natsUrl, uniqueTenant, withClient } from '@millrace/testing';
import { ledgerSettings } from '../ledger/fixtures/ledger-settings.ts';
import { backboneConfig } from '../backbone.config.ts';
import { prepareEventDatabase } from './owner.ts';
import { appendOrders, eventDatabase, type EventDatabase } from './testing.ts';

const tenant = uniqueTenant();
const sales: LogKey = { tenant, context: 'sales', shard: 0 };
let events: EventDatabase;
let dir: string;
/** Any seed: the run's NATS is open and asks for none. */
const seedFile = async (): Promise<string> => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-backbone-'));
  await writeFile(join(dir, 'seed'), createUser().getSeed(), { mode: 0o600 });
  return join(dir, 'seed');
};
let app: NestFastifyApplication;

const get = async (url: string, token = 'op') => {
  const answer = await app.inject({ url, headers: { authorization: `Bearer ${token}` } });
  return { status: answer.statusCode, body: answer.json() };
};

beforeAll(async () => {
  events = await eventDatabase();
  await appendOrders(events.appendUrl, sales, 'a', 25);
  app = await buildService({ config: backboneConfig, module: async () => (await import('../app.module.ts')).AppModule }, {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'info', otlpEndpoint: undefined, segmentsDir: undefined, snapshotAlertMs: 60_000, natsUrl: natsUrl(), eventsUrl: events.relayUrl, foldCountersMs: 100, reconcileMs: 60_000, streamMaxBytes: 2 ** 24, streamMaxAgeMs: 3_600_000,
    apiTokens: [{ principal: 'operator', sha256: createHash('sha256').update('op').digest() }],
    natsSeedFile: await seedFile(), ...await ledgerSettings(dir),
  }, makeLogger('backbone', 'silent'));
});
afterAll(async () => {
  await drainService(app);
  await events.remove();
  await rm(dir, { recursive: true });
});

describe('the migration', () => {
  it('runs again without changing anything', async () => {
    expect(await prepareEventDatabase(events.database.url, events.manifests)).toEqual({ migrations: 0, services: 2 });
  });

  it('leaves everything to a role that cannot log in', async () => {
    await withClient(events.database.url, async (client) => {
      const { rows } = await client.query(`select distinct r.rolname, r.rolcanlogin, r.rolsuper from pg_class c join pg_roles r on r.oid = c.relowner join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('millrace', 'log')`);
      expect(rows).toEqual([{ rolname: 'millrace_owner', rolcanlogin: false, rolsuper: false }]);
    });
  });

  it.each([
    ['append', 'relay', 'select * from millrace.append_events'], ['write', 'relay', 'insert into millrace.event default values'], ['change', 'relay', 'update millrace.event set salt = salt'],
    ['delete', 'relay', 'delete from millrace.event'], ['cut', 'relay', 'truncate millrace.event'], ['read tables', 'relay', 'select 1 from millrace.event'],
    ['read another context', 'append', 'select 1 from log.customer'], ['fold counters', 'append', 'select millrace.compact_counts()'], ['write', 'append', 'insert into millrace.event default values'],
  ])('lets nobody %s beyond the manifest (%s)', async (_, who, statement) => {
    const url = who === 'relay' ? events.relayUrl : events.appendUrl;
    await withClient(url, (client) => expect(client.query(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|42P01|42883|42809)$/) }));
  });
});

describe('the read API', () => {
  it('lists logs with their head and what is relayed', async () => {
    const standing = await eventually('all relayed', async () => {
      const { body } = await get(`/v1/logs?tenant=${tenant}`);
      return body.logs[0]?.relayed === 25 && body;
    });
    expect(standing).toEqual({ logs: [{ tenant, log: 'sales/0', epoch: expect.any(Number), head: 25, relayed: 25, state: 'relaying' }] });
    expect((await get('/v1/logs?tenant=nobody')).body).toEqual({ logs: [] });
  });

  it('pages a log from a position', async () => {
    const { body } = await get(`/v1/logs/sales/0/events?tenant=${tenant}&after=20&limit=3`);
    expect(body.events.map((event: { position: number }) => event.position)).toEqual([21, 22, 23]);
    expect((await get(`/v1/logs/sales/0/events?tenant=${tenant}&after=25`)).body).toEqual({ events: [], through: 25 });
  });

  it('shows one event with envelope, data, place and proof', async () => {
    const { body } = await get(`/v1/events/a-4?tenant=${tenant}`);
    expect(body).toMatchObject({ log: 'sales/0', position: 5, streamVersion: 1, leaf: expect.stringMatching(/^[0-9a-f]{64}$/), salt: expect.stringMatching(/^[0-9a-f]{32}$/), envelope: { id: 'a-4', via: 'spec-source' }, data: { orderId: 'a-4', lines: 4 } });
  });

  it('sums the sources, the same before and after the counters are folded', async () => {
    const sums = { sources: [{ tenant, source: 'spec-source', received: 0, accepted: 25, duplicate: 0, rejected: 0, unanswered: -25 }] };
    expect((await get(`/v1/accounting?tenant=${tenant}`)).body).toEqual(sums);
    await appendOrders(events.appendUrl, sales, 'b', 3);
    await appendOrders(events.appendUrl, sales, 'c', 3);
    const store = PgEventStore.connect({ url: events.appendUrl, applicationName: 'spec' });
    await store.recordReceipt(tenant, 'spec-source', 31);
    await store.close();
    await eventually('folded', () => withClient(events.database.url, async (client) => (await client.query('select count(*)::int as n from millrace.intake_count where tenant = $1', [tenant])).rows[0].n === 2));
    expect((await get(`/v1/accounting?tenant=${tenant}`)).body.sources).toEqual([{ tenant, source: 'spec-source', received: 31, accepted: 31, duplicate: 0, rejected: 0, unanswered: 0 }]);
  });

  it.each([
    ['/v1/logs/sales/0/events', 400, 'parameters-invalid'], ['/v1/logs/sales/0/events?tenant=shop&limit=100000', 400, 'parameters-invalid'], ['/v1/logs/sales/x/events?tenant=shop', 400, 'log-name-malformed'],
    ['/v1/logs?tenant=Not%20one', 400, 'tenant-malformed'], ['/v1/events/none?tenant=shop', 404, 'event-unknown'], ['/v1/events/none', 400, 'parameters-invalid'], ['/v1/accounting?x=1', 400, 'parameters-invalid'],
  ])('answers %s with a problem', async (url, status, code) => {
    const answer = await get(url);
    expect([answer.status, answer.body.code, answer.body.status]).toEqual([status, code, status]);
  });

  it('wants a token', async () => {
    expect((await get('/v1/logs', 'wrong')).status).toBe(401);
  });

  it('holds the contracts against the newest events when asked', async () => {
    expect(await get('/v1/contracts/check?sample=3')).toMatchObject({ status: 200, body: { breaks: [], complete: true } });
    expect((await get('/v1/contracts/check?sample=many')).body.code).toBe('parameters-invalid');
  });

  it('tells Prometheus of lag and divergence', async () => {
    const metrics = await eventually('no lag', async () => {
      const { body } = await app.inject('/metrics');
      return body.includes(`millrace_relay_lag_events{tenant="${tenant}",log="sales/0"} 0`) && body;
    });
    expect(metrics).toContain(`millrace_relay_diverged{tenant="${tenant}",log="sales/0"} 0`);
    expect(await eventually('ready', async () => { const report = (await app.inject('/ready')).json<{ ready: boolean }>(); return report.ready && report; })).toEqual({ ready: true, checks: { nats: 'ok', events: 'ok' } });
  });
});
