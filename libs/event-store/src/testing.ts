import { createServer, connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { LogKey } from '@millrace/kernel';
import { eventually, freshDatabase, uniqueName, withClient } from '@millrace/testing';
import { Client, type QueryResultRow } from 'pg';
import { applyGrants, migrateEventStore, PgEventStore, roleOf, type PgEventStoreOptions, type ServiceAccess } from './index.ts';
import type { AppendOutcome, AppendUnit, EventStore } from './event-store.ts';
import type { Statements } from './database.ts';

type Access = Omit<ServiceAccess, 'service'>;

/** An event database with service roles of its own; `drop` ends what was opened through it. */
export class GrantedDatabase {
  private readonly services: string[] = [];
  private readonly opened: (() => Promise<unknown>)[] = [];

  private constructor(private readonly database: Awaited<ReturnType<typeof freshDatabase>>) {}

  static async make(): Promise<GrantedDatabase> {
    return new GrantedDatabase(await freshDatabase({ template: 'event_store', migrate: async (url) => { await migrateEventStore(url); } }));
  }

  /** As owner. */
  get url(): string {
    return this.database.url;
  }

  owner<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return withClient(this.url, async (client) => (await client.query<Row>(sql, values)).rows);
  }

  /** Makes a role and grants it `access`, beside those granted with it. Returns the service's name. */
  async grant(...accesses: Access[]): Promise<string[]> {
    const services = accesses.map(() => uniqueName('svc'));
    for (const service of services) await this.owner(`CREATE ROLE ${roleOf(service)} LOGIN PASSWORD 'pw'`);
    this.services.push(...services);
    await applyGrants(this.url, services.map((service, n) => ({ service, ...accesses[n]! })));
    return services;
  }

  urlOf(service: string): string {
    return this.database.urlAs(roleOf(service), 'pw');
  }

  store(service: string, options: Partial<PgEventStoreOptions> = {}): PgEventStore {
    const store = PgEventStore.connect({ url: this.urlOf(service), applicationName: service, ...options });
    this.opened.push(() => store.close());
    return store;
  }

  /** A plain connection as the service's role. */
  async client(service: string): Promise<Client> {
    const client = new Client({ connectionString: this.urlOf(service) });
    client.on('error', () => undefined); // ended from outside in some specs
    await client.connect();
    this.opened.push(() => client.end().catch(() => undefined));
    return client;
  }

  async drop(): Promise<void> {
    await Promise.all(this.opened.map((close) => close()));
    await this.database.drop();
    await withClient(new URL('/postgres', this.url).href, async (owner) => {
      for (const service of this.services) await owner.query(`DROP ROLE ${roleOf(service)}`);
    });
  }
}

export const statementsOf = (client: Client): Statements => ({ run: async <Row extends QueryResultRow>(query: { text: string; values?: unknown[] }) => (await client.query<Row>(query)).rows });

/** Appends as a client does that was told to send again: until it has an answer. */
export const appendUntilAnswered = (store: EventStore, log: LogKey, units: readonly AppendUnit[]): Promise<AppendOutcome[]> =>
  eventually('an answer', () => store.append(log, units, { countAs: 'intake' }));

type Fault = 'answer-lost' | 'commit-lost' | 'request-lost' | 'down' | 'none';

/**
 * Stands between a store and Postgres. Armed with a fault, it cuts the next exchange before or after the server sees it
 * (`commit-lost`: the next append that succeeds), or all of them.
 */
export class CuttingProxy {
  fault: Fault = 'none';
  cuts = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(readonly url: string, private readonly stop: () => Promise<unknown>) {}

  static async start(target: string): Promise<CuttingProxy> {
    const to = new URL(target);
    const server = createServer((client) => proxy.serve(client, connect(Number(to.port), to.hostname)));
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const through = new URL(target);
    through.port = String((server.address() as AddressInfo).port);
    const proxy = new CuttingProxy(through.href, () => new Promise((resolve) => { server.close(resolve); }));
    return proxy;
  }

  private serve(client: Socket, server: Socket): void {
    const cut = (): void => {
      this.cuts += 1;
      if (this.fault !== 'down') this.fault = 'none';
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => { this.sockets.delete(socket); client.destroy(); server.destroy(); });
    }
    let appends = false;
    client.on('data', (data) => {
      appends ||= data.includes('append-events');
      if (this.fault === 'request-lost' || this.fault === 'down') cut();
      else server.write(data);
    });
    server.on('data', (data) => {
      const committed = appends && !data.includes('23505');
      appends = false;
      if (this.fault === 'answer-lost' || this.fault === 'down' || (this.fault === 'commit-lost' && committed)) cut();
      else client.write(data);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.stop();
  }
}
