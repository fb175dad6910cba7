import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sampleLog, single } from './event-store.conformance.ts';
import { PgEventStore } from './index.ts';
import { CuttingProxy, GrantedDatabase } from './testing.ts';

describe('a connection that is lost', () => {
  let database: GrantedDatabase;
  let service: string;
  let proxy: CuttingProxy;
  let store: PgEventStore;
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    proxy = await CuttingProxy.start(database.urlOf(service));
    store = PgEventStore.connect({ url: proxy.url, applicationName: 'cut', poolSize: 2 });
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
  });

  it('after the commit: the append is found and answered as appended, counted once', async () => {
    const log = sampleLog();
    await store.append(log, [single(log)]);
    const units = [single(log), single(log), single(log)];
    proxy.fault = 'answer-lost';
    expect(await store.append(log, units, { countAs: 'intake' })).toEqual([2, 3, 4].map((position) => ({ kind: 'appended', position, streamVersion: 1 })));
    expect(proxy.cuts).toBe(1);
    expect((await store.read(log, 1, 10)).map((event) => event.envelope.id)).toEqual(units.map((unit) => unit.events[0]!.envelope.id));
    expect(await store.counts(log.tenant)).toMatchObject([{ accepted: 3, duplicate: 0 }]);
  });

  it('after the commit of a batch with duplicates and conflicts: these are counted once too', async () => {
    const log = sampleLog();
    const known = single(log);
    await store.append(log, [known]);
    const conflicting = single(log, { id: known.events[0]!.envelope.id, fingerprint: 'b'.repeat(64) });
    proxy.fault = 'commit-lost';
    const outcomes = await store.append(log, [known, conflicting, single(log)], { countAs: 'intake' });
    expect(outcomes).toEqual([{ kind: 'duplicate', log, position: 1 }, { kind: 'conflict', log, position: 1 }, { kind: 'appended', position: 2, streamVersion: 1 }]);
    expect(proxy.cuts).toBe(1);
    expect(await store.counts(log.tenant)).toMatchObject([{ accepted: 1, duplicate: 1, rejected: 1 }]);
  });

  it('after the commit of counters alone: unavailable, because these leave nothing to find', async () => {
    const log = sampleLog();
    const known = single(log);
    await store.append(log, [known]);
    proxy.fault = 'commit-lost';
    await expect(store.append(log, [known], { countAs: 'intake' })).rejects.toMatchObject({ code: 'event-store-unavailable' });
    expect(await store.append(log, [known])).toEqual([{ kind: 'duplicate', log, position: 1 }]);
    expect(await store.counts(log.tenant)).toMatchObject([{ duplicate: 1 }]);
  });

  it('before the server saw it: the append is sent again and stored once', async () => {
    const log = sampleLog();
    await store.append(log, [single(log)]);
    proxy.fault = 'request-lost';
    expect(await store.append(log, [single(log)], { countAs: 'intake' })).toEqual([{ kind: 'appended', position: 2, streamVersion: 1 }]);
    expect(await store.counts(log.tenant)).toMatchObject([{ accepted: 1, duplicate: 0 }]);
  });

  it('for good: nothing is acknowledged, and the same events are taken once the way is back', async () => {
    const log = sampleLog();
    const unit = single(log);
    await store.append(log, [single(log)]);
    proxy.fault = 'down';
    await expect(store.append(log, [unit])).rejects.toMatchObject({ kind: 'unavailable', code: 'event-store-unavailable' });
    await expect(store.read(log, 0, 1)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.recordReceipt(log.tenant, 'web', 1)).rejects.toMatchObject({ kind: 'unavailable' });
    proxy.fault = 'none';
    expect(await store.append(log, [unit])).toEqual([{ kind: 'appended', position: 2, streamVersion: 1 }]);
    await store.recordReceipt(log.tenant, 'web', 2);
    expect(await store.counts(log.tenant)).toMatchObject([{ received: 2 }]);
  });

  it('a database that was never there answers unavailable', async () => {
    const nowhere = PgEventStore.connect({ url: 'postgres://nobody:x@127.0.0.1:1/none', applicationName: 'nowhere' });
    const log = sampleLog();
    await expect(nowhere.append(log, [single(log)])).rejects.toMatchObject({ code: 'event-store-unavailable' });
    await expect(nowhere.findEvents(log.tenant, ['a'])).rejects.toMatchObject({ code: 'event-store-unavailable' });
    await nowhere.close();
  });
});
