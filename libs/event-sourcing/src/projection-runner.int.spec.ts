import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Pool } from 'pg';
import { DomainError, redactedForm, type LogKey, type LogMark, type StoredEvent } from '@millrace/kernel';
import { freshDatabase, inTransaction, uniqueName, type TestDatabase } from '@millrace/testing';
import { asOfCheckpoints, CONSUMER_TABLES_DOWN, CONSUMER_TABLES_UP, sqlCheckpoints, sqlParked } from './consumer-tables.ts';
import type { Projection, TransactionScope } from './projection.ts';
import { projectionRunner } from './projection-runner.ts';
import { rowsOf, type Sql } from './sql.ts';

let database: TestDatabase;
let pool: Pool;
const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };

const scope: TransactionScope<Sql> = { transaction: (work) => inTransaction(pool, work) };

interface Fact { readonly key: string; readonly n: number; readonly fault?: 'domain' | 'database' | 'json' | 'redacted' }

const storedWhole = (fact: Fact, index: number): StoredEvent => ({
  log, epoch: 9, position: index + 1, streamVersion: 1, salt: Buffer.alloc(16), leaf: Buffer.alloc(32, index + 1), envelopeBytes: new Uint8Array(),
  data: Buffer.from(fact.fault === 'json' ? '{"n":' : JSON.stringify(fact)),
  envelope: { specversion: '1.0', id: `e-${index + 1}`, source: 'urn:spec', type: fact.n < 0 ? 'sales.order.ignored' : 'sales.order.placed', version: 1, tenant: 'shop', stream: fact.key, time: '', receivedtime: '', recordedtime: '', via: 'spec', fingerprint: '' },
});
const stored = (fact: Fact, index: number): StoredEvent => (fact.fault === 'redacted' ? redactedForm(storedWhole(fact, index)) : storedWhole(fact, index));
const markAfter = (events: readonly StoredEvent[]): LogMark => {
  const last = events.at(-1);
  return { epoch: 9, position: last?.position ?? 0, leaf: last?.leaf ?? new Uint8Array() };
};

let outages = 0;
/** Order matters on purpose: the text grows by each event, so another order or a second application shows. */
const story: Projection<Sql> = {
  name: 'story', version: 1, types: ['sales.order.placed'],
  async apply(tx, events) {
    for (const { data } of events) {
      if (outages > 0) {
        outages -= 1;
        throw new DomainError('unavailable', 'elsewhere-away');
      }
      await tx.query('insert into story (consumer, key, text) values ($1, $2, $3) on conflict (consumer, key) do update set text = story.text || excluded.text', [current, data['key'], `${String(data['n'])},`]);
      if (data['fault'] === 'domain') throw new DomainError('invalid', 'order-odd', {}, 'An odd order.');
      if (data['fault'] === 'database') await tx.query('select ($1::text)::integer', ['alice@example.org']);
    }
  },
};

let current = '';
const runner = (consumer: string) => {
  current = consumer;
  return projectionRunner<Sql>({ scope, checkpoints: sqlCheckpoints(pool, consumer), parked: sqlParked(pool, consumer), projections: [story] });
};
const applyIn = async (consumer: string, events: readonly StoredEvent[], sizes: readonly number[]): Promise<void> => {
  const handler = runner(consumer);
  for (let start = 0, turn = 0; start < events.length; turn += 1) {
    const batch = events.slice(start, start + (sizes[turn % sizes.length] ?? 1));
    await handler.apply({ log, events: batch, mark: markAfter(batch) });
    start += batch.length;
  }
};
const effectOf = async (consumer: string) => ({
  story: rowsOf(await pool.query('select key, text from story where consumer = $1 order by key', [consumer])),
  parked: rowsOf(await pool.query('select position::int, key, event_id, type, code, reason from parked_event where consumer = $1 order by position', [consumer])),
  mark: await runner(consumer).load(log),
});

/** What must come of the facts, told without transactions, batches or a database. */
const expected = (facts: readonly Fact[]) => {
  const texts = new Map<string, string>();
  const parked = new Map<number, string>();
  const stuck = new Set<string>();
  for (const [index, fact] of facts.entries()) {
    if (fact.n < 0 || fact.fault === 'redacted') continue;
    if (stuck.has(fact.key)) parked.set(index + 1, 'behind-parked');
    else if (fact.fault) {
      stuck.add(fact.key);
      parked.set(index + 1, { domain: 'order-odd', database: '22P02', json: 'event-data-malformed' }[fact.fault]);
    } else texts.set(fact.key, `${texts.get(fact.key) ?? ''}${fact.n},`);
  }
  return { texts, parked };
};

beforeAll(async () => {
  database = await freshDatabase();
  pool = new Pool({ connectionString: database.url });
  for (const text of CONSUMER_TABLES_UP) await pool.query(text);
  await pool.query('create table story (consumer text, key text, text text, primary key (consumer, key))');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('the projection runner', () => {
  const facts = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), n: fc.integer({ min: -2, max: 9 }), fault: fc.option(fc.constantFrom('domain' as const, 'database' as const, 'json' as const, 'redacted' as const), { nil: undefined, freq: 8 }) }), { minLength: 1, maxLength: 25 });

  it('has the same effect and the same parked events however the log is cut into batches', async () => {
    await fc.assert(fc.asyncProperty(facts, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), async (some, sizes) => {
      const consumer = uniqueName('c');
      await applyIn(consumer, some.map(stored), sizes);
      const { story: rows, parked, mark } = await effectOf(consumer);
      const truth = expected(some);
      expect(new Map(rows.map((row) => [row['key'], row['text']]))).toEqual(truth.texts);
      expect(new Map(parked.map((row) => [row['position'], row['code']]))).toEqual(truth.parked);
      expect(mark).toEqual(markAfter(some.map(stored)));
    }), { numRuns: 60 });
  });

  it('says why an event is parked, but nothing a driver may have quoted from it', async () => {
    const consumer = uniqueName('c');
    await applyIn(consumer, [stored({ key: 'a', n: 1, fault: 'domain' }, 0), stored({ key: 'b', n: 1, fault: 'database' }, 1), stored({ key: 'a', n: 2 }, 2)], [3]);
    expect((await effectOf(consumer)).parked).toEqual([
      { position: 1, key: 'a', event_id: 'e-1', type: 'sales.order.placed', code: 'order-odd', reason: 'An odd order.' },
      { position: 2, key: 'b', event_id: 'e-2', type: 'sales.order.placed', code: '22P02', reason: 'applying the event failed; the code says how' },
      { position: 3, key: 'a', event_id: 'e-3', type: 'sales.order.placed', code: 'behind-parked', reason: 'an earlier event of the same key is parked' },
    ]);
    expect(await runner(consumer).parked?.(log)).toBe(3);
  });

  it('rolls everything back on an outage, parks nothing, and the same batch goes in later', async () => {
    const consumer = uniqueName('c');
    const events = [stored({ key: 'a', n: 1 }, 0), stored({ key: 'a', n: 2 }, 1)];
    outages = 1;
    await expect(applyIn(consumer, events, [2])).rejects.toMatchObject({ code: 'elsewhere-away' });
    expect(await effectOf(consumer)).toEqual({ story: [], parked: [], mark: undefined });
    await applyIn(consumer, events, [2]);
    expect((await effectOf(consumer)).story).toEqual([{ key: 'a', text: '1,2,' }]);
  });

  it('parks nothing when the outage comes in the careful pass', async () => {
    const consumer = uniqueName('c');
    const events = [stored({ key: 'a', n: 1, fault: 'domain' }, 0), stored({ key: 'b', n: 2 }, 1)];
    await applyIn(consumer, events.slice(0, 1), [1]);
    outages = 1;
    await expect(applyIn(consumer, [stored({ key: 'a', n: 3 }, 1), stored({ key: 'b', n: 2 }, 2)], [2])).rejects.toMatchObject({ code: 'elsewhere-away' });
    expect((await effectOf(consumer)).parked).toHaveLength(1);
  });

  it('loses the checkpoint with the effect when the commit fails', async () => {
    const consumer = uniqueName('c');
    const broken: TransactionScope<Sql> = { transaction: (work) => scope.transaction(async (tx) => { await work(tx); throw Object.assign(new Error('gone'), { code: '08006' }); }) };
    current = consumer;
    const handler = projectionRunner<Sql>({ scope: broken, checkpoints: sqlCheckpoints(pool, consumer), parked: sqlParked(pool, consumer), projections: [story] });
    const events = [stored({ key: 'a', n: 1 }, 0)];
    await expect(handler.apply({ log, events, mark: markAfter(events) })).rejects.toMatchObject({ code: '08006' });
    expect(await effectOf(consumer)).toEqual({ story: [], parked: [], mark: undefined });
  });

  it('tells of a batch after its commit', async () => {
    const consumer = uniqueName('c');
    current = consumer;
    const told: number[] = [];
    const handler = projectionRunner<Sql>({ scope, checkpoints: sqlCheckpoints(pool, consumer), parked: sqlParked(pool, consumer), projections: [{ ...story, keyOf: () => 'all' }], committed: (batch) => told.push(batch.events.length) });
    const events = [stored({ key: 'a', n: 1, fault: 'domain' }, 0), stored({ key: 'b', n: -1 }, 1), stored({ key: 'c', n: 1 }, 2)];
    await handler.apply({ log, events, mark: markAfter(events) });
    expect(told).toEqual([3]);
    expect((await effectOf(consumer)).parked.map((row) => row['key'])).toEqual(['all', 'all']);
  });
});

describe('checkpoints', () => {
  it('are kept per consumer, tenant and log, with epoch and leaf', async () => {
    const consumer = uniqueName('c');
    const checkpoints = sqlCheckpoints<Sql>(pool, consumer);
    const marks: [LogKey, LogMark][] = [
      [log, { epoch: 1, position: 7, leaf: randomBytes(32) }], [{ ...log, shard: 1 }, { epoch: 2, position: 2 ** 40, leaf: randomBytes(32) }],
      [{ ...log, tenant: 'other' }, { epoch: 1, position: 3, leaf: randomBytes(32) }], [{ ...log, context: 'customer' }, { epoch: 4, position: 1, leaf: randomBytes(32) }],
    ];
    for (const [key, mark] of marks) await scope.transaction((tx) => checkpoints.save(tx, key, mark));
    for (const [key, mark] of marks) expect(await checkpoints.load(key)).toEqual(mark);
    expect(await sqlCheckpoints<Sql>(pool, 'someone-else').load(log)).toBeUndefined();
    expect(await asOfCheckpoints(pool, consumer, 'shop')).toEqual({ 'customer/0': 1, 'sales/0': 7, 'sales/1': 2 ** 40 });
  });

  it('come and go with the app\'s migration', async () => {
    const other = await freshDatabase();
    const client = new Pool({ connectionString: other.url });
    for (const text of [...CONSUMER_TABLES_UP, ...CONSUMER_TABLES_DOWN, ...CONSUMER_TABLES_UP]) await client.query(text);
    expect(await sqlCheckpoints<Sql>(client, 'fresh').load(log)).toBeUndefined();
    await client.end();
    await other.drop();
  });
});
