import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { createUser } from '@nats-io/nkeys';
import { eventually, ownNats } from '@millrace/testing';
import { ask, respond } from './ask.ts';
import { BusLink } from './link.ts';
import { LogInMemory } from './testing.ts';
import { OrderedConsumers } from './ordered-consumers.ts';
import type { BusManifest } from './permissions.ts';
import { Relay } from './relay.ts';
import { natsServerConfig } from './server-config.ts';
import { logSubjectFilter, streamNameOf } from './subject.ts';

const manifest = (service: string, part: Partial<BusManifest> = {}): BusManifest => ({ service, reads: [], asks: [], answers: [], relay: false, ...part });
const manifests = [
  manifest('backbone', { relay: true }),
  manifest('analytics', { reads: ['sales'], asks: ['query.security.keys.>'] }),
  manifest('warehouse', { reads: ['sales', 'customer'] }),
  manifest('security', { answers: ['query.security.>'] }),
  manifest('simulator', { asks: ['cmd.inventory.>'] }),
];
const users = manifests.map((each) => ({ manifest: each, key: createUser() }));
const seedOf = (service: string): string => {
  const user = users.find((each) => each.manifest.service === service);
  return new TextDecoder().decode(user?.key.getSeed());
};

const [sales, customer] = [new LogInMemory('shop', 'sales').append(5), new LogInMemory('shop', 'customer').append(5)];
let dir: string;
let server: Awaited<ReturnType<typeof ownNats>>;
const open: { close(): Promise<unknown> }[] = [];

const linkAs = async (service: string): Promise<BusLink> => {
  const link = BusLink.open({ url: server.url, service, seed: seedOf(service) });
  open.push(link);
  await link.ready(30_000);
  return link;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-permissions-'));
  const config = join(dir, 'nats.conf');
  await writeFile(config, natsServerConfig({ port: -1, storeDir: join(dir, 'jetstream'), users: users.map(({ manifest: each, key }) => ({ manifest: each, publicNkey: key.getPublicKey() })) }));
  server = await ownNats(config);
  for (const log of [sales, customer]) {
    const relay = new Relay({ reader: log, link: await linkAs('backbone') });
    relay.start();
    open.push({ close: () => relay.stop() });
    await eventually('relayed with the relay\'s own grants', () => relay.status()[0]?.relayed === 5);
  }
});
afterAll(async () => {
  for (const opened of open.toReversed()) await opened.close();
  await server.remove();
  await rm(dir, { recursive: true });
});

/** Resolves with what the server says about a publish or a subscription it refuses. */
const refusal = async (nc: NatsConnection, attempt: () => void): Promise<string> => {
  const statuses = nc.status();
  const refused = (async () => {
    for await (const status of statuses) if (status.type === 'error' && /permissions violation/i.test(status.error.message)) return status.error.message;
    return 'not refused';
  })();
  attempt();
  await nc.flush();
  // The server answers a violation before the pong; what hasn't come by two more round trips was allowed.
  const allowed = (async () => {
    await nc.flush();
    await nc.flush();
    return 'not refused';
  })();
  return Promise.race([refused, allowed]);
};

const salesStream = streamNameOf(sales.log, sales.epoch);
const customerStream = streamNameOf(customer.log, customer.epoch);
const salesFilter = logSubjectFilter(sales.log, sales.epoch);
const customerFilter = logSubjectFilter(customer.log, customer.epoch);

describe('a service\'s own grants', () => {
  it('let it consume the contexts it reads, under its own name', async () => {
    const from: string[] = [];
    const seen: string[] = [];
    const consumers = new OrderedConsumers({ service: 'analytics', contexts: ['sales'], reader: sales.without(1, 5), link: await linkAs('analytics'), onApplied: (_, events, origin) => from.push(...Array.from({ length: events }, () => origin)), handler: { load: async () => undefined, apply: async ({ events }) => { seen.push(...events.map((event) => event.envelope.id)); } } });
    consumers.start();
    open.push({ close: () => consumers.stop() });
    await eventually('five events', () => seen.length === 5);
    expect(from).toEqual(['stream', 'stream', 'stream', 'stream', 'stream']);
  });

  it('let it ask and be answered in its own inbox', async () => {
    const [asker, answerer] = [await linkAs('analytics'), await linkAs('security')];
    answerer.connection().subscribe('query.security.keys.resolve', { queue: 'security', callback: (_, message) => respond(message, Uint8Array.of(...message.data, 3)) });
    await answerer.connection().flush();
    expect(await ask(asker, 'query.security.keys.resolve', Uint8Array.of(1, 2), { timeoutMs: 30_000 })).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('the server refuses', () => {
  it.each([
    ['an event published by a reader', 'analytics', `evt.shop.sales.0.${sales.epoch}.order.placed`],
    ['a question the manifest does not name', 'analytics', 'query.security.reveal'],
    ['a command of somebody else', 'analytics', 'cmd.inventory.reserve'],
    ['a question by the simulator', 'simulator', 'query.security.keys.resolve'],
    ['a consumer on a context it does not read', 'analytics', `$JS.API.CONSUMER.CREATE.${customerStream}.analytics.${customerFilter}`],
    ['a consumer with a filter over all contexts', 'analytics', `$JS.API.CONSUMER.CREATE.${salesStream}.analytics.evt.>`],
    ['a consumer without a filter', 'analytics', `$JS.API.CONSUMER.CREATE.${salesStream}.analytics`],
    ['a consumer in another\'s name', 'analytics', `$JS.API.CONSUMER.CREATE.${salesStream}.warehouse.${salesFilter}`],
    ['a durable by the old route', 'analytics', `$JS.API.CONSUMER.DURABLE.CREATE.${customerStream}.analytics`],
    ['pulling from another\'s consumer', 'analytics', `$JS.API.CONSUMER.MSG.NEXT.${customerStream}.warehouse`],
    ['deleting another\'s consumer', 'analytics', `$JS.API.CONSUMER.DELETE.${salesStream}.warehouse`],
    ['reading a message by sequence', 'analytics', `$JS.API.STREAM.MSG.GET.${customerStream}`],
    ['direct get', 'analytics', `$JS.API.DIRECT.GET.${customerStream}`],
    ['direct get by subject', 'analytics', `$JS.API.DIRECT.GET.${customerStream}.evt.shop.customer.0.${customer.epoch}.order.placed`],
    ['listing streams', 'analytics', '$JS.API.STREAM.NAMES'],
    ['a stream\'s subjects', 'analytics', `$JS.API.STREAM.INFO.${customerStream}`],
    ['deleting a stream', 'analytics', `$JS.API.STREAM.DELETE.${salesStream}`],
    ['changing a stream', 'analytics', `$JS.API.STREAM.UPDATE.${salesStream}`],
    ['purging a stream, even to the relay', 'backbone', `$JS.API.STREAM.PURGE.${salesStream}`],
    ['an answer into another\'s inbox', 'analytics', '_INBOX.warehouse.abc'],
    ['an unasked answer', 'security', '_INBOX.analytics.abc'],
    ['any stream call by the simulator', 'simulator', `$JS.API.CONSUMER.CREATE.${salesStream}.simulator.${salesFilter}`],
  ])('%s', async (_, service, subject) => {
    const nc = (await linkAs(service)).connection();
    expect(await refusal(nc, () => nc.publish(subject, '{}', { reply: `_INBOX.${service}.probe` }))).toMatch(/permissions violation for publish/i);
  });

  it.each([
    ['another\'s inbox', 'analytics', '_INBOX.warehouse.>'],
    ['all inboxes', 'analytics', '_INBOX.>'],
    ['events as core messages', 'analytics', 'evt.>'],
    ['its own context\'s events as core messages', 'analytics', salesFilter],
    ['questions to security', 'analytics', 'query.security.>'],
    ['commands', 'simulator', 'cmd.inventory.>'],
    ['everything', 'security', '>'],
    ['its own answers outside the queue group', 'security', 'query.security.>'],
  ])('a subscription to %s', async (_, service, subject) => {
    const nc = (await linkAs(service)).connection();
    expect(await refusal(nc, () => { nc.subscribe(subject, { callback: () => undefined }); })).toMatch(/permissions violation for subscription/i);
  });

  it('a consumer whose body names another filter than its subject', async () => {
    const nc = (await linkAs('analytics')).connection();
    const body = { stream_name: customerStream, config: { name: 'analytics', filter_subject: customerFilter, ack_policy: 'none' }, action: 'create' };
    const answer = await nc.request(`$JS.API.CONSUMER.CREATE.${customerStream}.analytics.${salesFilter}`, JSON.stringify(body), { timeout: 30_000 });
    expect(answer.json<{ error?: { code: number } }>().error?.code).toBe(400);
  });

  it('strangers, and a right key with a wrong user', async () => {
    // The server says why and closes the connection at once: on a busy machine the reason may be lost with it.
    const refused = /authorization|closed|reset/i;
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(refused);
    await expect(connect({ servers: server.url, reconnect: false, authenticator: nkeyAuthenticator(createUser().getSeed()) })).rejects.toThrow(refused);
  });
});
