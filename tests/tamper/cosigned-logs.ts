import { createHash } from 'node:crypto';
import { PgEventStore, roleOf, type AppendUnit } from '@millrace/event-store';
import type { Context, LogKey } from '@millrace/kernel';
import { Client } from 'pg';
import { prepareEventDatabase } from '../../apps/backbone/src/event-log/owner.ts';
import { LedgerBench } from '../../apps/backbone/src/ledger/testing.ts';
import { ensureRoles, manifests, PASSWORD } from '../../apps/backbone/src/testing.ts';
import type { BenchServer } from '../load/bench-server.ts';

/** Several logs of two tenants; streams of many events, several sources. */
export const LOGS: readonly LogKey[] = [
  { tenant: 'shop', context: 'sales', shard: 0 },
  { tenant: 'shop', context: 'sales', shard: 1 },
  { tenant: 'shop', context: 'customer', shard: 0 },
  { tenant: 'other', context: 'sales', shard: 0 },
];
/** Of a context of its own, so that no row alteration of another log meets it. */
export const ARCHIVED_LOG: LogKey = { tenant: 'shop', context: 'inventory', shard: 0 };
export const ALL_LOGS: readonly LogKey[] = [...LOGS, ARCHIVED_LOG];
/** In segments of a hundred. */
export const ARCHIVED_THROUGH = 300;
const ARCHIVING = { through: ARCHIVED_THROUGH, segmentEvents: 100 } as const;
/** Over one tile, so that there is a tree of tiles to recompute. */
export const EVENTS_PER_LOG = 400;
const EVENTS_PER_STREAM = 4;

const unit = (log: LogKey, n: number): AppendUnit => {
  const id = `${log.tenant}-${log.context}-${log.shard}-${n}`;
  const stream = `${log.context}.order/${log.tenant}-${log.shard}-${n % (EVENTS_PER_LOG / EVENTS_PER_STREAM)}`;
  return {
    stream, expectedVersion: 'any',
    events: [{
      data: Buffer.from(JSON.stringify({ orderId: id, total: { amount: `${n}.00`, currency: 'EUR' } })),
      envelope: {
        specversion: '1.0', id, source: '/tamper', type: `${log.context}.order.placed`, version: 1, tenant: log.tenant, stream, time: '2026-11-24T10:00:00.000Z',
        receivedtime: '2026-11-24T10:00:01.000Z', via: `source-${n % 3}`, fingerprint: createHash('sha256').update(id).digest('hex'),
      },
    }],
  };
};

/** The owner of the whole database: what a forger with every right has. */
export class Owner {
  constructor(private readonly client: Client) {}

  async run<Row extends object = object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.client.query(sql, values)).rows as Row[];
  }
}

export interface CosignedLogs {
  readonly owner: Owner;
  readonly bench: LedgerBench;
  close(): Promise<void>;
}

/** Fills the logs, sends part of it again (duplicates), has all of it cosigned, and archives the older part of one. */
export const cosignedLogs = async (server: BenchServer): Promise<CosignedLogs> => {
  const url = await server.database('events');
  await ensureRoles(url);
  await prepareEventDatabase(url, manifests);
  const urlAs = (role: string, password: string): string => Object.assign(new URL(url), { username: role, password }).href;
  const bench = await LedgerBench.make({ name: 'events', url, urlAs, drop: () => Promise.resolve() });
  const appender = PgEventStore.connect({ url: urlAs(roleOf('ingestion'), PASSWORD), applicationName: 'tamper' });
  for (const log of ALL_LOGS) {
    // A few at a time, so that a stream's later versions stand behind its first ones.
    for (let from = 0; from < EVENTS_PER_LOG; from += 50) await appender.append(log, Array.from({ length: 50 }, (_, n) => unit(log, from + n)), { countAs: 'intake' });
    await appender.append(log, Array.from({ length: 20 }, (_, n) => unit(log, n * 7)), { countAs: 'intake' });
    await bench.settle(log);
  }
  await appender.close();
  const archive = bench.events.archive();
  for (let segment = await archive.next(ARCHIVED_LOG, ARCHIVING); segment !== undefined; segment = await archive.next(ARCHIVED_LOG, ARCHIVING)) await archive.thin(segment);
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    owner: new Owner(client), bench,
    close: async () => {
      await client.end();
      await bench.close();
    },
  };
};

export const isSameLog = (one: LogKey, other: { readonly tenant: string; readonly context: Context; readonly shard: number }): boolean =>
  one.tenant === other.tenant && one.context === other.context && one.shard === other.shard;
