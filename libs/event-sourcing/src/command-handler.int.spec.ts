import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { applyGrants, migrateEventStore, PgEventStore, roleOf } from '@millrace/event-store';
import { DomainError, fixedClock, type Decider, type DomainEvent, type LogKey } from '@millrace/kernel';
import { freshDatabase, uniqueName, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { commandHandler, loadStream, type CommandHandlerOptions, type CommandMetadata } from './command-handler.ts';

type Moved = DomainEvent<'inventory.stock.moved', { by: number }>;
const moved = (by: number): Moved => ({ type: 'inventory.stock.moved', version: 1, data: { by } });
const stock: Decider<number, { by: number; times?: number }, Moved> = {
  initial: 0,
  decide: ({ by, times = 1 }, level) => {
    if (level + by < 0) throw new DomainError('conflict', 'stock-short');
    return by === 0 ? [] : Array.from({ length: times }, () => moved(by));
  },
  evolve: (level, { data }) => level + data.by,
};

const service = uniqueName('svc');
let database: TestDatabase;
let store: PgEventStore;
let options: CommandHandlerOptions<number, { by: number; times?: number }, Moved>;
const log: LogKey = { tenant: uniqueTenant(), context: 'inventory', shard: 0 };
const stream = 'inventory.stock/p1';
const metadata = (commandId: string): CommandMetadata => ({ via: 'probe', source: 'urn:spec', commandId });

beforeAll(async () => {
  database = await freshDatabase();
  await withClient(database.url, (client: Client) => client.query(`create role ${roleOf(service)} login password 'p'`));
  await migrateEventStore(database.url);
  await applyGrants(database.url, [{ service, appends: ['inventory'], reads: ['inventory'], relay: false }]);
  store = PgEventStore.connect({ url: database.urlAs(roleOf(service), 'p'), applicationName: 'spec' });
  options = {
    decider: stock, store, clock: fixedClock('2026-11-01T00:00:00.000Z'), maxAttempts: 200,
    fingerprint: (event) => createHash('sha256').update(JSON.stringify(event)).digest('hex'),
    refuseOther: ({ by }, { data }) => { if (data.by !== by) throw new DomainError('conflict', 'move-differs'); },
    fromStored: (_type, _version, data) => moved(Number((data as { by: number }).by)),
  };
});
afterAll(async () => {
  await store.close();
  await withClient(database.url, async (client) => {
    await client.query(`drop owned by ${roleOf(service)}`);
    await client.query(`drop role ${roleOf(service)}`);
  });
  await database.drop();
});

describe('the command handler', () => {
  it('appends what is decided, at the version read, with the envelope complete', async () => {
    const handle = commandHandler(options);
    expect(await handle(log, stream, { by: 5, times: 2 }, { ...metadata('c1'), subject: 'p1', correlationId: 'r1' })).toEqual({ events: [moved(5), moved(5)], version: 2, position: 2, log, duplicate: false });
    const [first, second] = await store.read(log, 0, 10);
    expect(first?.envelope).toMatchObject({ id: 'c1/0', type: 'inventory.stock.moved', stream, via: 'probe', subject: 'p1', correlationid: 'r1', time: '2026-11-01T00:00:00.000Z' });
    expect(second?.envelope.id).toBe('c1/1');
    expect(await loadStream(options, log.tenant, stream)).toEqual({ state: 10, version: 2 });
  });

  it('stores a repeated command once and says so', async () => {
    const handle = commandHandler(options);
    await handle(log, stream, { by: 1 }, metadata('c2'));
    const again = await handle(log, stream, { by: 1 }, metadata('c2'));
    expect(again).toMatchObject({ duplicate: true, events: [], position: 3 });
    expect((await loadStream(options, log.tenant, stream)).state).toBe(11);
  });

  it('refuses another command under a known id: for the same stream as its owner says, for another always', async () => {
    const handle = commandHandler(options);
    await expect(handle(log, stream, { by: 2 }, metadata('c2'))).rejects.toMatchObject({ kind: 'conflict', code: 'move-differs' });
    await expect(handle(log, 'inventory.stock/p9', { by: 1 }, metadata('c2'))).rejects.toMatchObject({ kind: 'conflict', code: 'command-id-reused' });
    expect((await loadStream(options, log.tenant, stream)).state).toBe(11);
  });

  it('stores once what comes many times at once, and refuses what differs', async () => {
    const handle = commandHandler(options);
    const moves = [...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 10 }, () => 2)];
    const outcomes = await Promise.allSettled(moves.map((by) => handle(log, 'inventory.stock/p3', { by }, metadata('same'))));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(10);
    expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))).toEqual(Array.from({ length: 10 }, () => 'move-differs'));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled' && !outcome.value.duplicate)).toHaveLength(1);
  });

  it('appends nothing when nothing is decided, and passes a rejection on', async () => {
    const handle = commandHandler(options);
    expect(await handle(log, stream, { by: 0 }, metadata('c3'))).toEqual({ events: [], version: 3, duplicate: false });
    await expect(handle(log, stream, { by: -100 }, metadata('c4'))).rejects.toMatchObject({ code: 'stock-short' });
  });

  it('decides anew after a lost race: forty takers of ten pieces, ten served', async () => {
    const other = 'inventory.stock/p2';
    const handle = commandHandler(options);
    await handle(log, other, { by: 1, times: 10 }, metadata('fill'));
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => handle(log, other, { by: -1 }, metadata(`take-${index}`))));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(10);
    expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))).toEqual(Array.from({ length: 30 }, () => 'stock-short'));
    expect(await loadStream(options, log.tenant, other)).toEqual({ state: 0, version: 20 });
  });

  it('gives up after its attempts when others keep winning', async () => {
    const contended = commandHandler({ ...options, maxAttempts: 2, store: { ...bound(store), appendTo: async () => [{ kind: 'wrong-version', actualVersion: 99 }] } });
    await expect(contended(log, stream, { by: 1 }, metadata('c5'))).rejects.toMatchObject({ kind: 'conflict', code: 'stream-contended' });
  });
});

/** The store's own methods, for a stand-in of a single one. */
const bound = (from: PgEventStore): CommandHandlerOptions<number, never, Moved>['store'] => ({
  readStream: (...args) => from.readStream(...args), findEvents: (...args) => from.findEvents(...args), appendTo: (...args) => from.appendTo(...args),
});
