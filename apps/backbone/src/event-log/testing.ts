import { prepareEventDatabase } from './owner.ts';
import type { ServiceManifest } from '@millrace/contracts';
import { PgEventStore, roleOf, type AppendUnit } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { freshDatabase, uniqueName, withClient, type TestDatabase } from '@millrace/testing';

const manifest = (service: string, part: Partial<ServiceManifest>): ServiceManifest =>
  ({ service, owner: 'spec', appends: [], reads: [], asks: [], answers: [], relay: false, databases: [], keys: false, slo: 'spec', ...part });

/** An event database as the migration leaves it, with a relaying and an appending role of this spec's own (roles are cluster-wide). */
export interface EventDatabase {
  readonly database: TestDatabase;
  readonly relayUrl: string;
  readonly appendUrl: string;
  readonly manifests: readonly ServiceManifest[];
  /** A copy as it is now, as a restore of a backup would give it. Nobody may be connected to the original. */
  copy(): Promise<{ relayUrl: string; drop(): Promise<void> }>;
  remove(): Promise<void>;
}

export const eventDatabase = async (): Promise<EventDatabase> => {
  const [relay, append, password] = [uniqueName('relay'), uniqueName('append'), uniqueName('p')];
  const manifests = [manifest(relay, { relay: true }), manifest(append, { appends: ['sales'], reads: ['sales'] })];
  const database = await freshDatabase();
  await withClient(database.url, async (client) => {
    for (const service of [relay, append]) await client.query(`create role ${roleOf(service)} login password '${password}'`);
  });
  await prepareEventDatabase(database.url, manifests);
  const relayUrl = database.urlAs(roleOf(relay), password);
  return {
    database, relayUrl, manifests, appendUrl: database.urlAs(roleOf(append), password),
    copy: async () => {
      const name = uniqueName('restored');
      const admin = new URL(database.url);
      admin.pathname = '/postgres';
      await withClient(admin.href, (client) => client.query(`create database ${name} template ${database.name}`));
      const url = new URL(relayUrl);
      url.pathname = `/${name}`;
      return { relayUrl: url.href, drop: () => withClient(admin.href, async (client) => { await client.query(`drop database ${name} with (force)`); }) };
    },
    remove: async () => {
      await withClient(database.url, async (client) => {
        for (const service of [relay, append]) await client.query(`drop owned by ${roleOf(service)}`);
      });
      await database.drop();
    },
  };
};

const unit = (log: LogKey, prefix: string, index: number): AppendUnit => ({
  stream: `sales.order/${prefix}-${index}`, expectedVersion: 'any',
  events: [{
    data: Buffer.from(JSON.stringify({ orderId: `${prefix}-${index}`, lines: index % 7 })),
    envelope: {
      specversion: '1.0', id: `${prefix}-${index}`, source: 'urn:spec', type: 'sales.order.placed', version: 1, tenant: log.tenant, stream: `sales.order/${prefix}-${index}`,
      time: '2026-11-01T10:00:00.000Z', receivedtime: '2026-11-01T10:00:00.000Z', via: 'spec-source', fingerprint: Buffer.alloc(32, index).toString('hex'),
    },
  }],
});

/** Appends `count` orders named `<prefix>-<n>`, counted as intake. */
export const appendOrders = async (url: string, log: LogKey, prefix: string, count: number): Promise<void> => {
  const store = PgEventStore.connect({ url, applicationName: 'spec' });
  try {
    await store.append(log, Array.from({ length: count }, (_, index) => unit(log, prefix, index)), { countAs: 'intake' });
  } finally {
    await store.close();
  }
};
