import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import { BUILD_TABLES_UP, CONSUMER_TABLES_UP, ProjectionBuilds, readActiveBuilds, totalsProjection, type Sql, type VersionedProjection } from '@millrace/event-sourcing';
import { inTransaction } from '@millrace/testing';
import { Client, Pool } from 'pg';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { alternate, compare, medians, perSecond } from './rounds.ts';
import { BENCH_LOG, sampleUnit } from './sample-units.ts';

/** Customers drawn with the probability of their rank: few buy much, most buy once. */
const CUSTOMERS = 100_000;
const ROWS_PER_FETCH = 5_000;
const LANES = [1, 2, 4] as const;
/** Readers ask for a customer's totals this often while the build is made. */
const READ_EVERY_MS = 5;

const totals = (lanes: number): VersionedProjection<Sql> => totalsProjection({
  name: `customer-totals-${lanes}`, version: 1, contexts: ['sales'], table: `customer_total_${lanes}`, key: ['customer_ref'], sums: ['orders', 'amount'], replayLanes: lanes,
  on: { 'sales.order.placed': ({ data }) => [{ key: [String(data['customer'])], add: ['1', String(data['amount'])] }] },
});

/** 430 B of data, as the append benchmark's. */
const orderOf = (): Buffer => {
  const customer = `sub_${Math.floor(CUSTOMERS ** Math.random()).toString(16).padStart(32, '0')}`;
  const order = { orderId: `o-${Math.random()}`, customer, amount: (Math.random() * 500).toFixed(2), currency: 'EUR', note: '' };
  return Buffer.from(JSON.stringify({ ...order, note: 'n'.repeat(Math.max(0, 430 - JSON.stringify(order).length)) }));
};

class ScopedPool {
  private readonly pool: Pool;
  constructor(url: string) { this.pool = new Pool({ connectionString: url, max: 10 }); }

  query(text: string, values?: unknown[]): Promise<unknown> { return this.pool.query(text, values); }

  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> { return inTransaction(this.pool, work); }

  end(): Promise<void> { return this.pool.end(); }
}

/** The bytes a rebuild needs, through a cursor in one long transaction, and nothing done with them. */
const rawCursor = async (url: string): Promise<number> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  await client.query('declare events no scroll cursor for select position, stream_version, envelope, data, salt, leaf from millrace.event where tenant = $1 and context = $2 and shard = $3 order by position', [BENCH_LOG.tenant, BENCH_LOG.context, BENCH_LOG.shard]);
  let rows = 0;
  for (;;) {
    const fetched = (await client.query(`fetch ${ROWS_PER_FETCH} from events`)).rows.length;
    rows += fetched;
    if (fetched === 0) break;
  }
  await client.end();
  return rows;
};

/** Reads one customer's totals again and again, as a screen would, until told to stop. Answers how many reads there were. */
const readers = (scope: ScopedPool): { stop(): Promise<number> } => {
  let going = true;
  const reading = (async () => {
    let reads = 0;
    for (; going; reads += 1) {
      await scope.transaction(async (tx) => {
        await tx.query('set transaction isolation level repeatable read, read only');
        await readActiveBuilds(tx);
        await tx.query('select orders, amount from customer_total_1 where customer_ref = $1', [`sub_${(reads % 100).toString(16).padStart(32, '0')}`]);
      });
      await new Promise((resolve) => { setTimeout(resolve, READ_EVERY_MS); });
    }
    return reads;
  })();
  return { stop: () => { going = false; return reading; } };
};

const rebuild = async (builds: ProjectionBuilds<Sql>, name: string): Promise<number> => {
  const { build } = await builds.rebuild(name);
  for (;;) {
    const standing = (await builds.list()).find((one) => one.projection === name && one.build === build);
    if (standing?.trouble) throw new Error(standing.trouble);
    if (standing?.state === 'ready') return build;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
};

/**
 * A projection of per-customer totals is built again from the first event, in lanes of 1, 2 and 4, while the active build is read; against a
 * cursor over the same rows that are thrown away. Event database and read models share one server, as nothing else does on one machine.
 */
export const benchRebuild: Bench = ({ quick, progress }) => withServer(async (server) => {
  const [url, readModels] = [await server.database('events'), await server.database('reads')];
  await migrateEventStore(url);
  const rows = quick ? 60_000 : 300_000;
  const store = PgEventStore.connect({ url, applicationName: 'bench' });
  for (let done = 0; done < rows; done += 2_000) await Promise.all([0, 1, 2, 3].map(() => store.append(BENCH_LOG, Array.from({ length: 500 }, () => sampleUnit(orderOf())), { countAs: 'none' })));
  const [live, aside] = [new ScopedPool(readModels), new ScopedPool(readModels)];
  for (const text of [...CONSUMER_TABLES_UP, ...BUILD_TABLES_UP]) await live.query(text);
  const perLane = (quick ? LANES.slice(0, 1) : LANES).map((lanes) => ({ lanes, builds: new ProjectionBuilds<Sql>({ live, aside, reader: store, projections: [totals(lanes)] }) }));
  let filled = 0;
  for (const { builds } of perLane) {
    await builds.start();
    const handler = builds.handler();
    for (let after = 0; after < rows;) {
      const events = await store.read(BENCH_LOG, after, ROWS_PER_FETCH);
      const last = events.at(-1);
      if (!last) throw new Error(`the log ends at ${after} of ${rows}`);
      await handler.apply({ log: BENCH_LOG, events, mark: { epoch: last.epoch, position: last.position, leaf: last.leaf } });
      after = last.position;
    }
    progress('lanes with an active build', (filled += 1), perLane.length);
  }
  let reads = 0;
  const side = ({ lanes, builds }: (typeof perLane)[number]) => async (): Promise<number> => {
    const name = `customer-totals-${lanes}`;
    const reading = readers(live);
    let build = 0;
    const rate = await perSecond(rows, async () => { build = await rebuild(builds, name); });
    reads += await reading.stop();
    await builds.drop(name, build);
    return rate;
  };
  const sides = Object.fromEntries(perLane.map((one) => [`lanes${one.lanes}`, side(one)]));
  const rounds = await alternate<string>(5, {
    rawCursor: () => perSecond(rows, async () => { if ((await rawCursor(url)) !== rows) throw new Error('the cursor did not see every row'); }),
    ...sides,
  }, progress);
  for (const { builds } of perLane) {
    const report = await builds.list();
    if (report.some(({ position }) => position !== rows)) throw new Error('a build did not hold every event');
    await builds.stop();
  }
  await Promise.all([store.close(), live.end(), aside.end()]);
  return {
    ...compare<string, string>(rounds, { rawCursor: ['lanes1', 'rawCursor'], ...Object.fromEntries(perLane.slice(1).map(({ lanes }) => [`lanes${lanes}`, [`lanes${lanes}`, 'rawCursor'] as const])) }),
    perSecond: medians(rounds), rounds, reads, settings: { ...SERVER_SETTINGS, rows, customers: CUSTOMERS, dataBytes: 430, readEveryMs: READ_EVERY_MS },
  };
});
