import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freshDatabase, uniqueName, withClient } from '@millrace/testing';
import { describeEventStore, sampleLog, single } from './event-store.conformance.ts';
import { describeReading } from './reading.conformance.ts';
import { GrantedDatabase } from './testing.ts';
import { packUnits, prepareUnits, unpackUnits } from './prepared.ts';
import { applyGrants, migrateEventStore, PgEventStore, renewEpoch, roleOf } from './index.ts';

describeEventStore('PgEventStore', async () => {
  const service = uniqueName('conformance');
  const database = await freshDatabase({ template: 'event_store', migrate: async (url) => { await migrateEventStore(url); } });
  await withClient(database.url, (owner) => owner.query(`CREATE ROLE ${roleOf(service)} LOGIN PASSWORD 'pw'`));
  await applyGrants(database.url, [{ service, appends: ['sales', 'inventory'], reads: ['sales', 'inventory'], relay: false }]);
  const store = PgEventStore.connect({ url: database.urlAs(roleOf(service), 'pw'), applicationName: 'conformance' });
  return {
    store,
    renewEpoch: (log) => withClient(database.url, (owner) => renewEpoch(owner, log)),
    close: async () => {
      await store.close();
      await database.drop();
      await withClient(new URL('/postgres', database.url).href, (owner) => owner.query(`DROP ROLE ${roleOf(service)}`));
    },
  };
});

let database: GrantedDatabase;
let reader: PgEventStore;
beforeAll(async () => {
  database = await GrantedDatabase.make();
  const [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
  reader = database.store(service);
});
afterAll(() => database.drop());
describeReading(() => reader);

it('appends what was prepared in another thread, and knows it again', async () => {
  const log = sampleLog();
  const units = Array.from({ length: 40 }, (_, n) => single(log, { stream: `sales.order/o${n % 7}` }));
  const sent = structuredClone(packUnits(prepareUnits(log, units, {}, new Date())));
  const first = await reader.appendPrepared(log.tenant, 'sales', unpackUnits(sent));
  expect(first.map((outcome) => outcome.kind === 'appended' && [outcome.log.shard, outcome.position, outcome.streamVersion])).toEqual(units.map((_, n) => [0, n + 1, Math.floor(n / 7) + 1]));
  const stored = await reader.read(log, 0, 100);
  expect(stored.map(({ envelope, data }) => [envelope.id, Buffer.from(data).toString()])).toEqual(units.map(({ events: [event] }) => [event!.envelope.id, Buffer.from(event!.data).toString()]));
  // Prepared anew it has another salt, hence another leaf: known by its fingerprint.
  const again = await reader.appendPrepared(log.tenant, 'sales', prepareUnits(log, units, {}, new Date()));
  expect(again).toEqual(units.map((_, n) => ({ kind: 'duplicate', log, position: n + 1 })));
});
