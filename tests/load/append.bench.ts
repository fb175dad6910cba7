import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startPostgresServer } from '@millrace/embedded';
import { migrateEventStore, PgEventStore, type AppendUnit } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { Client } from 'pg';
import { v7 } from 'uuid';
import type { BenchResult } from './main.ts';

/** Bytes of a raw row's body and of an event's data. The event carries its envelope besides. */
const BODY_BYTES = 430;
const LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };

const body = Buffer.from(JSON.stringify({ body: 'b'.repeat(BODY_BYTES - 11) }));

const unitOf = (): AppendUnit => {
  const id = v7();
  const stream = `sales.order/${id}`;
  return {
    stream, expectedVersion: 0,
    events: [{
      envelope: {
        specversion: '1.0', id, source: 'https://shop.example', type: 'sales.order.placed', version: 1, tenant: LOG.tenant, stream,
        time: '2026-01-02T03:04:05.678Z', receivedtime: '2026-01-02T03:04:06.000Z', via: 'bench', fingerprint: randomBytes(32).toString('hex'),
      },
      data: body,
    }],
  };
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Rows per second of `work`. What was made to feed it is collected before, so that neither side pays for the other's leavings. */
const perSecond = async (rows: number, work: () => Promise<void>): Promise<number> => {
  collectGarbage();
  const begun = performance.now();
  await work();
  return rows / ((performance.now() - begun) / 1000);
};

/** The baseline: `insert … select from unnest`, a 430 B body, a primary key and two unique keys, UUIDv7. One statement is one transaction. */
class RawTable {
  private position = 0;

  private constructor(private readonly clients: readonly Client[]) {}

  static async connect(url: string): Promise<RawTable> {
    const clients = [0, 1, 2, 3].map(() => new Client({ connectionString: url }));
    await Promise.all(clients.map((client) => client.connect()));
    await clients[0]!.query('CREATE TABLE raw (position bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, stream text COLLATE "C" NOT NULL, version integer NOT NULL, body bytea NOT NULL, UNIQUE (stream, version))');
    return new RawTable(clients);
  }

  /** Rows per second with `connections` at work, `perStatement` rows each. */
  async measure(connections: number, perStatement: number, rows: number): Promise<number> {
    const statements = Array.from({ length: Math.floor(rows / perStatement) }, () => {
      const ids = Array.from({ length: perStatement }, () => v7());
      return [ids.map(() => (this.position += 1)), ids, ids.map((id) => `sales.order/${id}`), ids.map(() => body)];
    });
    return perSecond(statements.length * perStatement, async () => {
      await Promise.all(this.clients.slice(0, connections).map(async (client) => {
        for (let values = statements.pop(); values !== undefined; values = statements.pop()) {
          await client.query({ name: 'raw', text: 'INSERT INTO raw SELECT p, id, stream, 1, body FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[]) AS r(p, id, stream, body)', values });
        }
      }));
    });
  }

  async best(perStatement: number, rows: number): Promise<number> {
    return Math.max(await this.measure(1, perStatement, rows), await this.measure(4, perStatement, rows));
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()));
  }
}

/** Events per second with `callers`, each appending `perCall` events, waiting for the answer, and appending again. */
const measureAppend = async (store: PgEventStore, callers: number, perCall: number, rows: number): Promise<number> => {
  const calls = Array.from({ length: Math.floor(rows / perCall) }, () => Array.from({ length: perCall }, unitOf));
  return perSecond(calls.length * perCall, async () => {
    await Promise.all(Array.from({ length: callers }, async () => {
      for (let units = calls.pop(); units !== undefined; units = calls.pop()) await store.append(LOG, units, { countAs: 'intake' });
    }));
  });
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const rounded = (values: Readonly<Record<string, number>>): Record<string, number> => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value)]));

const ROUND = { raw64: 0, raw500: 0, append64: 0, append500: 0 };
type Round = typeof ROUND;

const measureRound = async (raw: RawTable, store: PgEventStore, rows: number): Promise<Round> => ({
  raw64: await raw.best(64, rows),
  append64: await measureAppend(store, 64, 1, rows),
  raw500: await raw.best(500, rows),
  append500: await measureAppend(store, 4, 500, rows),
});

/**
 * Appends against raw inserts on the same embedded Postgres with fsync on, in alternating rounds. The append's row has besides the body an
 * envelope, salt, leaf and fingerprint, checks identity and expected version, and counts; `raw64` and `raw500` are append over raw, medians
 * of the rounds' own ratios. 64: callers with one event each against statements of 64; 500: calls of 500 against statements of 500.
 */
export const benchAppend = async ({ quick }: { quick: boolean }): Promise<BenchResult> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const password = randomBytes(16).toString('hex');
  const settings = { shared_buffers: '256MB', max_wal_size: '4GB' };
  const server = await startPostgresServer({ dataDir: join(dir, 'data'), superuserPassword: password, settings });
  try {
    const url = server.url('postgres', 'postgres', password);
    await migrateEventStore(url);
    const raw = await RawTable.connect(url);
    const store = PgEventStore.connect({ url, applicationName: 'bench' });
    const rows = quick ? 15_000 : 40_000;
    await measureRound(raw, store, rows); // warms caches and compilers; not counted
    const rounds: Round[] = [];
    for (let n = 0; n < (quick ? 5 : 7); n += 1) rounds.push(await measureRound(raw, store, rows));
    await Promise.all([raw.close(), store.close()]);
    const ratio = (over: keyof Round, under: keyof Round): number => Number(median(rounds.map((round) => round[over] / round[under])).toFixed(3));
    const medians = rounded(Object.fromEntries(Object.keys(ROUND).map((name) => [name, median(rounds.map((round) => round[name as keyof Round]))])));
    return { ratios: { raw64: ratio('append64', 'raw64'), raw500: ratio('append500', 'raw500') }, perSecond: medians, rounds: rounds.map(rounded), rowsPerRound: rows, bodyBytes: body.length, settings };
  } finally {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
};
