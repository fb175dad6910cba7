import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sampleLog, single } from './event-store.conformance.ts';
import { MAX_SHARDS, type PgEventStore } from './index.ts';
import { describePlacedAppends } from './placed-append.conformance.ts';
import { CuttingProxy, GrantedDatabase } from './testing.ts';

describePlacedAppends('PgEventStore', async () => {
  const database = await GrantedDatabase.make();
  const [service = '', relay = ''] = await database.grant({ appends: ['sales', 'inventory'], reads: ['sales', 'inventory'], relay: false }, { appends: [], reads: [], relay: true });
  const owner = database.store(relay);
  return {
    stores: [database.store(service), database.store(service)],
    raiseShards: (tenant, context, shards) => owner.raiseShards(tenant, context, shards),
    close: () => database.drop(),
  };
});

describe('the count of a context\'s logs', () => {
  let database: GrantedDatabase;
  let owner: PgEventStore;
  let writer: PgEventStore;
  let services: string[];
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    services = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false }, { appends: [], reads: [], relay: true });
    [writer, owner] = [database.store(services[0]!), database.store(services[1]!)];
  });
  afterAll(() => database.drop());

  it('is one until raised, per tenant and context', async () => {
    const { tenant } = sampleLog();
    expect(await owner.logShards(tenant, 'sales')).toEqual({ tenant, context: 'sales', shards: 1, shardsBefore: 1 });
    const raised = await owner.raiseShards(tenant, 'sales', 4);
    expect(raised).toMatchObject({ shards: 4, shardsBefore: 1, raisedAt: expect.stringMatching(/^\d{4}-/) });
    expect(await owner.logShards(tenant, 'sales')).toEqual(raised);
    expect(await owner.logShards(tenant, 'inventory')).toMatchObject({ shards: 1 });
    expect(await owner.logShards(`${tenant}x`, 'sales')).toMatchObject({ shards: 1 });
  });

  it('tells of the same raise when asked for it again', async () => {
    const { tenant } = sampleLog();
    await owner.raiseShards(tenant, 'sales', 2);
    const first = await owner.raiseShards(tenant, 'sales', 6);
    expect(first).toMatchObject({ shards: 6, shardsBefore: 2 });
    expect(await owner.raiseShards(tenant, 'sales', 6)).toEqual(first);
    expect(await owner.raiseShards(sampleLog().tenant, 'sales', 1)).toMatchObject({ shards: 1, shardsBefore: 1 });
  });

  it('only grows, to a bound', async () => {
    const { tenant } = sampleLog();
    await owner.raiseShards(tenant, 'sales', MAX_SHARDS);
    await expect(owner.raiseShards(tenant, 'sales', 3)).rejects.toMatchObject({ kind: 'conflict', code: 'shards-only-grow' });
    for (const count of [0, -1, 1.5, MAX_SHARDS + 1, Number.NaN]) await expect(owner.raiseShards(tenant, 'sales', count)).rejects.toMatchObject({ kind: 'invalid', code: 'shards-out-of-range' });
    expect(await owner.logShards(tenant, 'sales')).toMatchObject({ shards: MAX_SHARDS, shardsBefore: 1 });
    await expect(database.owner('INSERT INTO millrace.log_shards VALUES ($1, $2, 65, 1)', [tenant, 'inventory'])).rejects.toMatchObject({ code: '23514' });
  });

  it('is raised by the relaying service alone, and seen by no other', async () => {
    const { tenant } = sampleLog();
    await expect(writer.raiseShards(tenant, 'sales', 2)).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
    await expect(writer.logShards(tenant, 'sales')).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
    const client = await database.client(services[0]!);
    await expect(client.query('INSERT INTO millrace.log_shards VALUES ($1, $2, 2, 1)', [tenant, 'sales'])).rejects.toMatchObject({ code: '42501' });
  });

  it('reaches a running store within seconds, and is asked for once a second at most', async () => {
    const log = sampleLog();
    const store = database.store(services[0]!);
    await store.appendTo(log.tenant, 'sales', [single(log)]);
    await owner.raiseShards(log.tenant, 'sales', 16);
    const deadline = Date.now() + 20_000;
    const shards = new Set<number>();
    while (shards.size < 2 && Date.now() < deadline) {
      for (const outcome of await store.appendTo(log.tenant, 'sales', [single(log), single(log)])) if (outcome.kind === 'appended') shards.add(outcome.log.shard);
    }
    expect(shards.size).toBeGreaterThan(1);
  });

  it('fails only the calls that needed it while the database is away, and those that come later find it', async () => {
    const proxy = await CuttingProxy.start(database.urlOf(services[0]!));
    const log = sampleLog();
    const store = database.store(services[0]!, { url: proxy.url });
    proxy.fault = 'down';
    await expect(store.appendTo(log.tenant, 'sales', [single(log)])).rejects.toMatchObject({ kind: 'unavailable' });
    proxy.fault = 'none';
    expect(await store.appendTo(log.tenant, 'sales', [single(log)])).toMatchObject([{ kind: 'appended', position: 1 }]);
    await store.close();
    await proxy.close();
  });
});
