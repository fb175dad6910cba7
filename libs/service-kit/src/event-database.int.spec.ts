import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyGrants, migrateEventStore, roleOf } from '@millrace/event-store';
import { eventually, freshDatabase, uniqueName, withClient, type TestDatabase } from '@millrace/testing';
import { Closing } from './closing.ts';
import { openEventStore } from './event-database.ts';
import { makeLogger } from './logger.ts';
import { Readiness } from './readiness.ts';

const service = uniqueName('kit');
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase({ template: 'event_store', migrate: async (url) => { await migrateEventStore(url); } });
  await withClient(database.url, (owner) => owner.query(`CREATE ROLE ${roleOf(service)} LOGIN PASSWORD 'pw'`));
  await applyGrants(database.url, [{ service, appends: [], reads: ['sales'], relay: false }]);
});
afterAll(async () => {
  await database.drop();
  await withClient(new URL('/postgres', database.url).href, (owner) => owner.query(`DROP ROLE ${roleOf(service)}`));
});

const opened = (eventsUrl: string) => {
  const [closing, readiness] = [new Closing(makeLogger('spec', 'fatal')), new Readiness()];
  return { closing, readiness, store: openEventStore({ eventsUrl, segmentsDir: undefined }, { service, closing, readiness }) };
};

/** A look at which the database answered within its time. */
const answered = (readiness: Readiness) => eventually('an answer', async () => {
  const report = await readiness.report();
  return report.checks['events'] !== 'timed-out' && report;
});

describe('a service\'s event store', () => {
  it('is ready while heads can be read, under the service\'s name, and closed with it', async () => {
    const { closing, readiness, store } = opened(database.urlAs(roleOf(service), 'pw'));
    await eventually('ready', async () => (await readiness.report()).ready);
    expect(await answered(readiness)).toEqual({ ready: true, checks: { events: 'ok' } });
    const sessions = () => withClient(database.url, async (owner) => (await owner.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [service])).rowCount);
    expect(await sessions()).toBe(1);
    await closing.onApplicationShutdown();
    await expect(store.heads()).rejects.toMatchObject({ code: 'event-store-unavailable' });
  });

  it('is not ready without the database, and names the failure only by its code', async () => {
    const { closing, readiness } = opened(database.urlAs(roleOf(service), 'wrong'));
    expect(await answered(readiness)).toEqual({ ready: false, checks: { events: 'event-store-unavailable' } });
    await closing.onApplicationShutdown();
  });
});
