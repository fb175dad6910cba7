import { createHash } from 'node:crypto';
import { Pool, type PoolClient } from 'pg';
import { inTransaction } from '@millrace/testing';
import { logName, type LogHead, type LogKey, type LogMark, type LogReader, type StoredEvent } from '@millrace/kernel';
import type { TransactionScope } from './projection.ts';
import type { Sql } from './sql.ts';

// For specs only: a pool as the port wants it, and logs held in memory.

/** Throws instead of committing the n-th transaction from now, or in place of a statement: where a process could die. */
export interface Crashes {
  atCommit?: number;
  atStatement?: number;
}

export class Crash extends Error {
  readonly code = '08006';
}

/** A pool as transaction scope; every transaction on its own connection, as in production. */
export class PoolScope implements TransactionScope<Sql>, Sql {
  readonly pool: Pool;
  crashes: Crashes = {};

  constructor(url: string, max = 10) {
    this.pool = new Pool({ connectionString: url, max });
    // A database dropped at the end of a spec ends connections the pool has just let go of.
    this.pool.on('error', () => undefined);
  }

  query(text: string, values?: unknown[]): Promise<unknown> {
    return this.pool.query(text, values);
  }

  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    return inTransaction(this.pool, async (client) => {
      const result = await work({ query: (text, values) => this.statement(client, text, values) });
      if (this.crashes.atCommit !== undefined && (this.crashes.atCommit -= 1) < 0) throw new Crash('at commit');
      return result;
    });
  }

  private statement(client: PoolClient, text: string, values?: unknown[]): Promise<unknown> {
    if (this.crashes.atStatement !== undefined && (this.crashes.atStatement -= 1) < 0) throw new Crash('at a statement');
    return client.query(text, values);
  }
}

/** An event as a spec writes it down. */
export interface SampleFact {
  readonly key: string;
  readonly n: number;
  readonly type?: string;
  /** Replaces the data, e.g. by what is no JSON. */
  readonly data?: string;
}

export const storedFact = (log: LogKey, position: number, { key, n, type = 'sales.order.placed', data }: SampleFact, epoch = 9): StoredEvent => ({
  log, epoch, position, streamVersion: 1, salt: Buffer.alloc(16), envelopeBytes: new Uint8Array(),
  leaf: createHash('sha256').update(`${log.tenant}/${logName(log)}/${epoch}/${position}/${key}/${n}`).digest(), data: Buffer.from(data ?? JSON.stringify({ key, n })),
  envelope: { specversion: '1.0', id: `${logName(log)}-${position}`, source: 'urn:spec', type, version: 1, tenant: log.tenant, stream: key, time: '', receivedtime: '', recordedtime: '', via: 'spec', fingerprint: '' },
});

/** Logs in memory behind the reading port; they grow by `append`. */
export class SampleLogs implements LogReader {
  private readonly logs = new Map<string, { readonly log: LogKey; readonly events: StoredEvent[] }>();

  append(log: LogKey, facts: readonly SampleFact[], epoch?: number): StoredEvent[] {
    const { events } = this.of(log);
    const stored = facts.map((fact, index) => storedFact(log, events.length + 1 + index, fact, epoch));
    events.push(...stored);
    return stored;
  }

  /** The events of a log as one list, for whoever folds them. */
  events(log: LogKey): readonly StoredEvent[] {
    return this.of(log).events;
  }

  async heads(tenant?: string): Promise<LogHead[]> {
    return [...this.logs.values()].filter(({ log }) => tenant === undefined || log.tenant === tenant).map(({ log, events }) => ({ ...log, epoch: events[0]?.epoch ?? 9, position: events.length, leaf: events.at(-1)?.leaf }));
  }

  async head(log: LogKey): Promise<LogHead | undefined> {
    return (await this.heads(log.tenant)).find((head) => logName(head) === logName(log));
  }

  async read(log: LogKey, after: number, limit: number): Promise<StoredEvent[]> {
    return this.of(log).events.slice(after, after + limit);
  }

  async mark(log: LogKey, position: number): Promise<LogMark | undefined> {
    const event = this.of(log).events[position - 1];
    return event && { epoch: event.epoch, position, leaf: event.leaf };
  }

  private of(log: LogKey): { readonly log: LogKey; readonly events: StoredEvent[] } {
    const key = `${log.tenant} ${logName(log)}`;
    const found = this.logs.get(key) ?? { log, events: [] };
    this.logs.set(key, found);
    return found;
  }
}
