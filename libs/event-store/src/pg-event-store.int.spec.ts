import { afterAll, beforeAll } from '@jest/globals';
import { freshDatabase, uniqueName, withClient } from '@millrace/testing';
import { describeEventStore } from './event-store.conformance.ts';
import { describeReading } from './reading.conformance.ts';
import { GrantedDatabase } from './testing.ts';
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
