import { DomainError, type LogKey } from '@millrace/kernel';
import { natsPermissions, type BusManifest } from './permissions.ts';
import { natsServerConfig } from './server-config.ts';
import { eventSubject, logSubjectFilter, streamNameOf } from './subject.ts';
import { logStreamConfig } from './topology.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 2 };
const analytics: BusManifest = { service: 'analytics', reads: ['sales', 'customer'], asks: ['query.security.keys.resolve'], answers: [], relay: false };
const security: BusManifest = { service: 'security', reads: [], asks: [], answers: ['query.security.>'], relay: false };
const simulator: BusManifest = { service: 'simulator', reads: [], asks: ['cmd.inventory.>'], answers: [], relay: false };
const idle: BusManifest = { service: 'idle', reads: [], asks: [], answers: [], relay: false };
const nkey = `U${'A'.repeat(55)}`;

describe('topology', () => {
  it('names stream, filter and subjects after tenant, context, shard and epoch', () => {
    expect(streamNameOf(log, 17)).toBe('EVT_shop_sales_2_17');
    expect(logSubjectFilter(log, 17)).toBe('evt.shop.sales.2.17.>');
    expect(eventSubject(log, 17, 'sales.order.placed')).toBe('evt.shop.sales.2.17.order.placed');
    expect(() => eventSubject(log, 17, 'Sales.order')).toThrow(DomainError);
  });

  it('describes a log\'s stream as data', () => {
    expect(logStreamConfig(log, 17, 501, { maxBytes: 1000, maxAgeMs: 60_000 })).toEqual({
      name: 'EVT_shop_sales_2_17', subjects: ['evt.shop.sales.2.17.>'], first_seq: 501, storage: 'file', retention: 'limits', discard: 'old',
      max_bytes: 1000, max_age: 60_000_000_000, num_replicas: 1, allow_atomic: true, allow_direct: true, deny_delete: true,
      metadata: { 'millrace-tenant': 'shop', 'millrace-context': 'sales', 'millrace-shard': '2', 'millrace-epoch': '17', 'millrace-message': '2' },
    });
  });
});

describe('permissions', () => {
  it('grants a reader consumers of its own name on its contexts only', () => {
    expect(natsPermissions(analytics)).toEqual({
      publish: ['query.security.keys.resolve', ...['analytics', 'analytics-1', 'analytics-2', 'analytics-3'].flatMap((name) => [
        `$JS.API.CONSUMER.CREATE.*.${name}.evt.*.sales.>`, `$JS.API.CONSUMER.CREATE.*.${name}.evt.*.customer.>`, `$JS.API.CONSUMER.MSG.NEXT.*.${name}`, `$JS.API.CONSUMER.INFO.*.${name}`, `$JS.API.CONSUMER.DELETE.*.${name}`,
      ])],
      subscribe: ['_INBOX.analytics.>'], answersRequests: false,
    });
  });

  it('grants an answerer its subjects in its own queue group, and answers', () => {
    expect(natsPermissions(security)).toEqual({ publish: [], subscribe: ['_INBOX.security.>', 'query.security.> security'], answersRequests: true });
  });

  it('grants the simulator its commands and its inbox, no more', () => {
    expect(natsPermissions(simulator)).toEqual({ publish: ['cmd.inventory.>'], subscribe: ['_INBOX.simulator.>'], answersRequests: false });
  });

  it('grants nobody but a relay the event subjects', () => {
    expect(natsPermissions({ ...idle, relay: true }).publish).toContain('evt.>');
    for (const manifest of [analytics, security, simulator, idle]) expect(natsPermissions(manifest).publish.filter((subject) => subject.startsWith('evt') || subject.includes('STREAM'))).toEqual([]);
  });
});

describe('the server\'s configuration', () => {
  const text = natsServerConfig({ port: 7421, storeDir: '/srv/millrace/nats', users: [{ manifest: analytics, publicNkey: nkey }, { manifest: idle, publicNkey: nkey }] });

  it('has JetStream, one user per service and no open door', () => {
    expect(text).toContain('port: 7421\n');
    expect(text).not.toContain('http');
    expect(text).toContain('store_dir: "/srv/millrace/nats"');
    expect(text.match(/nkey: U/g)).toHaveLength(2);
    expect(text).not.toContain('no_auth_user');
  });

  it('denies all publishing to a service that asks nothing: an empty allow list would allow everything', () => {
    expect(text).toContain('# idle\n    { nkey: '.concat(nkey, ', permissions: {\n      publish: { deny: [">"] }'));
  });

  it.each([
    ['nkey-malformed', { users: [{ manifest: idle, publicNkey: 'SUA' }] }],
    ['nats-config-text', { storeDir: '/srv/"; no_auth_user: x', users: [] }],
    ['subject-malformed', { users: [{ manifest: { ...idle, asks: ['a"] }, x: ['] }, publicNkey: nkey }] }],
  ])('refuses %s', (code, part) => {
    expect(() => natsServerConfig({ port: 1, storeDir: '/srv', ...part })).toThrow(expect.objectContaining({ code }));
  });
});
