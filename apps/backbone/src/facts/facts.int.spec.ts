import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Module } from '@nestjs/common';
import { askJson, BusLink } from '@millrace/event-bus';
import { DISCARD_SUBJECT, SWITCH_SUBJECT } from '@millrace/contracts';
import { FactLog } from '@millrace/event-sourcing';
import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import { buildService, defineConfig, makeLogger, recordDiscard, recordSwitch, shared } from '@millrace/service-kit';
import { eventually, freshDatabase, natsUrl, uniqueName, uniqueTenant, type TestDatabase } from '@millrace/testing';
import { FactsController } from './facts.controller.ts';

let events: TestDatabase;
let store: PgEventStore;
let link: BusLink;
let app: NestFastifyApplication;
const tenant = uniqueTenant();
const log = { tenant, context: 'backbone', shard: 0 } as const;

beforeAll(async () => {
  events = await freshDatabase({ template: 'backbone_facts', migrate: async (url) => { await migrateEventStore(url); } });
  store = PgEventStore.connect({ url: events.url, applicationName: 'spec' });
  @Module({ controllers: [FactsController], providers: [{ provide: FactLog, useValue: new FactLog(store, 'backbone') }] })
  class FactsOnly {}
  app = await buildService({ config: defineConfig('backbone', { natsUrl: shared.natsUrl }), module: async () => FactsOnly }, { httpHost: '127.0.0.1', httpPort: 0, logLevel: 'info', otlpEndpoint: undefined, apiTokens: [], natsUrl: natsUrl() }, makeLogger('spec', 'fatal'));
  link = BusLink.open({ url: natsUrl(), service: uniqueName('asker') });
  await link.ready(30_000);
  await eventually('somebody answers', () => askJson(link, DISCARD_SUBJECT, {}).catch((error: { code?: string }) => error.code === 'question-malformed'));
});
afterAll(async () => {
  await link.close();
  await app.close();
  await store.close();
  await events.drop();
});

const told = async (): Promise<[string, unknown][]> => (await store.read(log, 0, 100)).map(({ envelope, data }) => [envelope.type, JSON.parse(Buffer.from(data).toString())]);
const discard = { consumer: 'sales-facts', log: { tenant, context: 'sales', shard: 0 }, position: 17, eventId: 'o-17/placed', reason: 'a test order' } as const;

it('records a discard once, however often it is asked, and another position apart', async () => {
  await recordDiscard(link, 'analytics')(discard);
  await recordDiscard(link, 'analytics')(discard);
  await recordDiscard(link, 'analytics')({ ...discard, position: 18 });
  const data = { service: 'analytics', consumer: 'sales-facts', context: 'sales', shard: 0, position: 17, eventId: 'o-17/placed', reason: 'a test order' };
  expect(await told()).toEqual([['backbone.parked-event.discarded', data], ['backbone.parked-event.discarded', { ...data, position: 18 }]]);
  await expect(recordDiscard(link, 'analytics')({ ...discard, reason: 'another reason' })).rejects.toMatchObject({ kind: 'conflict', code: 'fact-id-reused' });
});

it('records a switch in the log of each tenant it concerns, and each of several switches', async () => {
  const other = uniqueTenant();
  const switched = { projection: 'sales-facts', from: { build: 1, version: 1 }, to: { build: 2, version: 1 }, at: [{ tenant, log: 'sales/0', position: 9 }, { tenant: other, log: 'sales/0', position: 4 }] };
  const before = (await told()).length;
  await recordSwitch(link, 'analytics')(switched);
  await recordSwitch(link, 'analytics')(switched);
  await recordSwitch(link, 'analytics')({ ...switched, at: [{ tenant, log: 'sales/0', position: 12 }] });
  const fact = ['backbone.projection.switched', { service: 'analytics', projection: 'sales-facts', from: 1, to: 2 }];
  expect((await told()).slice(before)).toEqual([fact, fact]);
  expect(await store.read({ ...log, tenant: other }, 0, 9)).toHaveLength(1);
});

it.each([
  ['a reason that is empty', DISCARD_SUBJECT, { tenant, service: 'analytics', consumer: 'c', context: 'sales', shard: 0, position: 1, eventId: 'e', reason: '' }],
  ['a field too many', SWITCH_SUBJECT, { tenant, service: 'analytics', projection: 'p', from: 0, to: 1, at: {}, by: 'alice@example.org' }],
  ['no object', SWITCH_SUBJECT, 7],
])('refuses %s', async (_, subject, question) => {
  const before = (await told()).length;
  await expect(askJson(link, subject, question)).rejects.toMatchObject({ kind: 'invalid', code: 'question-malformed' });
  expect(await told()).toHaveLength(before);
});
