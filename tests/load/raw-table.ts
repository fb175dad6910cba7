import { Client } from 'pg';
import { v7 } from 'uuid';
import { perSecond } from './rounds.ts';

/** Bytes of a raw row's body and of an event's data. An event carries its envelope besides. */
export const BODY_BYTES = 430;
export const sampleBody = (bytes = BODY_BYTES): Buffer => Buffer.from(JSON.stringify({ body: 'b'.repeat(bytes - 11) }));

const TABLE = 'CREATE TABLE IF NOT EXISTS raw (position bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, stream text COLLATE "C" NOT NULL, version integer NOT NULL, body bytea NOT NULL, UNIQUE (stream, version))';
const INSERT = 'INSERT INTO raw SELECT p, id, stream, 1, body FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[]) AS r(p, id, stream, body)';

/** The baseline: `insert … select from unnest`, a primary key and two unique keys, UUIDv7. One statement is one transaction. */
export class RawTable {
  private position = 0;

  private constructor(private readonly clients: readonly Client[]) {}

  static async connect(url: string): Promise<RawTable> {
    const clients = [0, 1, 2, 3].map(() => new Client({ connectionString: url }));
    await Promise.all(clients.map((client) => client.connect()));
    await clients[0]!.query(TABLE);
    return new RawTable(clients);
  }

  /** Rows per second with `connections` at work, `perStatement` rows of `body` each. */
  async measure(connections: number, perStatement: number, rows: number, body: Buffer): Promise<number> {
    const statements = Array.from({ length: Math.floor(rows / perStatement) }, () => {
      const ids = Array.from({ length: perStatement }, () => v7());
      return [ids.map(() => (this.position += 1)), ids, ids.map((id) => `sales.order/${id}`), ids.map(() => body)];
    });
    return perSecond(statements.length * perStatement, () => Promise.all(this.clients.slice(0, connections).map(async (client) => {
      for (let values = statements.pop(); values !== undefined; values = statements.pop()) await client.query({ name: 'raw', text: INSERT, values });
    })));
  }

  /** The better of one and four connections. */
  async best(perStatement: number, rows: number, body: Buffer = sampleBody()): Promise<number> {
    return Math.max(await this.measure(1, perStatement, rows, body), await this.measure(4, perStatement, rows, body));
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()));
  }
}
