import { Pool, type PoolClient, type QueryConfig, type QueryResultRow } from 'pg';
import { CopyRows, type Tuple } from './copy-rows.ts';
import { domainErrorOf, failureKind } from './failure.ts';

export interface DatabaseOptions {
  /** Connection string with the service's own role. */
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Connections at most; two of them are used per log that is appended to at the same time. */
  readonly poolSize: number;
}

/** Runs one statement of the event database; errors are the driver's own: see failureKind. */
export interface Statements {
  run<Row extends QueryResultRow>(query: QueryConfig): Promise<Row[]>;
}

/** The event database: a pool that drops a connection only when the connection is what failed. */
export class Database implements Statements {
  private readonly pool: Pool;
  private closed: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.pool = new Pool({
      connectionString: options.url, application_name: options.applicationName, max: options.poolSize,
      connectionTimeoutMillis: 10_000, idleTimeoutMillis: 60_000, keepAlive: true,
      // The server gives up first; the client's own limit is for a peer that has vanished without a word.
      statement_timeout: 30_000, query_timeout: 40_000,
    });
    // An idle connection that breaks is replaced at its next use, which reports what is wrong then.
    this.pool.on('error', () => undefined);
  }

  run<Row extends QueryResultRow>(query: QueryConfig): Promise<Row[]> {
    return this.withClient(async (client) => (await client.query<Row>(query)).rows);
  }

  /**
   * The rows of a query as bytes, errors as DomainErrors. COPY takes no parameters: whoever makes `select` writes numbers and literals
   * quoted by the driver into it, never a text as it came.
   */
  async copy(select: string): Promise<Tuple[]> {
    try {
      return await this.withClient(async (client) => client.query(new CopyRows(select)).done);
    } catch (error) {
      throw domainErrorOf(error);
    }
  }

  private async withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // Without a listener an error event between queries would end the process; the running query rejects with it anyway.
    const onError = (error: Error): void => { broken = error; };
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      if (failureKind(error) === 'lost') broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      release(client, onError, broken);
    }
  }

  /** Like `run`, with errors as DomainErrors (`event-store-unavailable`, `not-granted`). */
  async query<Row extends QueryResultRow>(query: QueryConfig): Promise<Row[]> {
    try {
      return await this.run<Row>(query);
    } catch (error) {
      throw domainErrorOf(error);
    }
  }

  /** Closing twice is closing once. */
  close(): Promise<void> {
    return (this.closed ??= this.pool.end());
  }
}

const release = (client: PoolClient, onError: (error: Error) => void, broken: Error | undefined): void => {
  client.off('error', onError);
  client.release(broken ?? false);
};
