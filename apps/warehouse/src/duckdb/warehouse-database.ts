import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { DomainError } from '@millrace/kernel';
import type { TransactionScope } from '@millrace/event-sourcing';
import { rowText } from './row-text.ts';
import { createTable } from './table-definition.ts';
import { DISCARDED_EVENT, LAKE_SEGMENT, LOAD_POSITION, PARKED_EVENT, REDACTED_EVENT, STAR_BUILD } from '../load/load-tables.ts';
import { STAR_TABLES, STAR_VERSION } from '../star/star-tables.ts';

/** Raised when the star's tables or their meaning change: the file is derived from the logs and is then made anew. */
const SCHEMA_VERSION = 1;

/** Enough to write a block of half a million lines; the process as a whole stays near 300 MB. */
const MEMORY_LIMIT = '192MB';

const OPTIONS = {
  memory_limit: MEMORY_LIMIT,
  threads: '2',
  // A checkpoint rewrites the row group in progress: at DuckDB's 16 MB that is half of a bulk load's time; 32 MB replay in half a second and stay in memory till then.
  checkpoint_threshold: '32MB',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};

const META = 'create table if not exists warehouse_meta (instance varchar, schema_version integer)';

/**
 * The one DuckDB file and its one owner. Writes run one after the other, each in a transaction; reads see one state of all tables. A second
 * process that opens the file is refused by DuckDB; within this process `fromCache` shares the instance, because opening a file twice
 * loses data without a word.
 */
export class WarehouseDatabase implements TransactionScope<DuckDBConnection> {
  private writes: Promise<unknown> = Promise.resolve();
  private reads: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly duckdb: DuckDBInstance,
    private readonly writer: DuckDBConnection,
    private readonly reader: DuckDBConnection,
    private readonly probe: DuckDBConnection,
    /** Random, made with the file: what was published from another file is not taken for this one's. */
    readonly instance: string,
    private active: StarBuild,
  ) {}

  /** The build that is loaded and published; changes between two transactions only. */
  get star(): StarBuild {
    return this.active;
  }

  /** Opens `<dataDir>/warehouse.duckdb`, making it when it is absent or of another schema version. */
  static async open(dataDir: string): Promise<WarehouseDatabase> {
    await mkdir(dataDir, { recursive: true });
    const file = join(dataDir, 'warehouse.duckdb');
    const opened = await WarehouseDatabase.openFile(file);
    if (opened) return opened;
    await Promise.all([file, `${file}.wal`].map((path) => rm(path, { force: true })));
    const made = await WarehouseDatabase.openFile(file);
    if (made) return made;
    throw new DomainError('unavailable', 'warehouse-schema', { version: SCHEMA_VERSION }, 'A new warehouse file did not get this version\'s schema. Remove warehouse.duckdb and start again.');
  }

  private static async openFile(file: string): Promise<WarehouseDatabase | undefined> {
    const duckdb = await DuckDBInstance.fromCache(file, OPTIONS).catch((error: unknown) => {
      if (String(error).includes('Could not set lock')) {
        throw new DomainError('conflict', 'warehouse-in-use', {}, 'Another process has the warehouse file open; it can have one owner. Stop that process first.');
      }
      throw error;
    });
    const writer = await duckdb.connect();
    await writer.run(META);
    await writer.run('insert into warehouse_meta select $1, $2 where not exists (from warehouse_meta)', [randomUUID(), SCHEMA_VERSION]);
    const [meta] = (await writer.runAndReadAll('select instance, schema_version from warehouse_meta')).getRowObjects();
    if (meta?.['schema_version'] !== SCHEMA_VERSION) {
      writer.closeSync();
      duckdb.closeSync();
      return undefined;
    }
    for (const table of [...STAR_TABLES, LOAD_POSITION, LAKE_SEGMENT, PARKED_EVENT, DISCARDED_EVENT, REDACTED_EVENT, STAR_BUILD]) await writer.run(createTable(table));
    // A file of before has neither; what was parked then says so by being empty.
    for (const column of ['type varchar', 'parked_ms bigint']) await writer.run(`alter table parked_event add column if not exists ${column}`);
    await writer.run(`insert into star_build select 1, $1, 'main', 'active', 0, true, null where not exists (from star_build)`, [STAR_VERSION]);
    await widenStars(writer);
    const active = await activeStar(writer);
    await lookIn(writer, active.schema);
    return new WarehouseDatabase(duckdb, writer, await duckdb.connect(), await duckdb.connect(), rowText(meta, 'instance'), active);
  }

  /** Serialised with all other writes; rolled back when `work` throws. The commit is fsynced. */
  transaction<T>(work: (tx: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.exclusively(() => inTransaction(this.writer, work, 'commit'));
  }

  /** As `transaction`, with unqualified names meaning the tables of another build. */
  transactionOn<T>(schema: string, work: (tx: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.exclusively(async () => {
      await lookIn(this.writer, schema);
      try {
        return await inTransaction(this.writer, work, 'commit');
      } finally {
        await lookIn(this.writer, this.active.schema);
      }
    });
  }

  /** A transaction after which another build may be the active one: no batch comes between its commit and everybody's knowing. */
  switching<T>(schema: string, work: (tx: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.exclusively(async () => {
      await lookIn(this.writer, schema);
      try {
        return await inTransaction(this.writer, work, 'commit');
      } finally {
        this.active = await activeStar(this.writer);
        await lookIn(this.writer, this.active.schema);
      }
    });
  }

  /** Runs on the writing connection, between transactions: for what must not run beside a write. */
  exclusively<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const turn = this.writes.then(() => work(this.writer), () => work(this.writer));
    this.writes = turn.then(() => undefined, () => undefined);
    return turn;
  }

  /** One unchanging state of all tables for all of `work`, beside the writes. */
  snapshot<T>(work: (tx: DuckDBConnection) => Promise<T>): Promise<T> {
    const turn = this.reads.then(() => inTransaction(this.reader, async (tx) => {
      await lookIn(tx, (await activeStar(tx)).schema);
      return work(tx);
    }, 'rollback'));
    this.reads = turn.then(() => undefined, () => undefined);
    return turn;
  }

  /** Whether DuckDB answers; waits for no load and no publication. */
  async ping(): Promise<void> {
    await this.probe.run('select 1');
  }

  /**
   * Freed memory stays with the C library, a quarter of a gigabyte after a bulk load; setting DuckDB's limit, even to what it is, makes it go back to
   * the system. Takes some 50 ms, so it is called after much work, not after each batch.
   */
  async giveBackMemory(): Promise<void> {
    await this.exclusively((connection) => connection.run(`set memory_limit = '${MEMORY_LIMIT}'`));
  }

  async close(): Promise<void> {
    await Promise.all([this.writes, this.reads]);
    this.probe.closeSync();
    this.reader.closeSync();
    this.writer.closeSync();
    this.duckdb.closeSync();
  }
}

/** A build of the star; its schema is named by this code. `revision` counts changes of rows that may have been published. */
export interface StarBuild {
  readonly build: number;
  readonly version: number;
  readonly schema: string;
  readonly revision: number;
}

/** The active build in the connection's transaction. */
export const activeStar = async (connection: DuckDBConnection): Promise<StarBuild> => {
  const [row] = (await connection.runAndReadAll(`select build, version, schema_name, revision from main.star_build where state = 'active'`)).getRowObjects();
  if (!row) throw new DomainError('unavailable', 'warehouse-schema', {}, 'The warehouse file names no active build. Remove warehouse.duckdb and start again: it is made anew from the logs.');
  return { build: Number(row['build']), version: Number(row['version']), schema: rowText(row, 'schema_name'), revision: Number(row['revision']) };
};

/** A file of before version 2 of the star: its builds get the columns, empty until a rebuild has read the events again, and are published anew with them. */
const widenStars = async (connection: DuckDBConnection): Promise<void> => {
  const old = await connection.runAndReadAll(
    `select build, schema_name from main.star_build b where not exists (from duckdb_columns() c where c.schema_name = b.schema_name and c.table_name = 'order_line' and c.column_name = 'reason')`);
  for (const row of old.getRowObjects()) {
    const schema = rowText(row, 'schema_name');
    await inTransaction(connection, async (tx) => {
      await tx.run(`alter table ${schema}.order_line add column reason varchar`);
      await tx.run(`alter table ${schema}.product_fact add column valid_from timestamp`);
      await tx.run('update main.star_build set revision = revision + 1 where build = $1', [Number(row['build'])]);
    }, 'commit');
  }
};

/** Unqualified names are looked up in the build's schema first; what builds share is in `main`. */
const lookIn = async (connection: DuckDBConnection, schema: string): Promise<void> => {
  await connection.run(`set search_path = '${schema === 'main' ? 'main' : `${schema},main`}'`);
};

const inTransaction = async <T>(connection: DuckDBConnection, work: (tx: DuckDBConnection) => Promise<T>, end: 'commit' | 'rollback'): Promise<T> => {
  await connection.run('begin transaction');
  try {
    const result = await work(connection);
    await connection.run(end);
    return result;
  } catch (error) {
    // A failed commit has already ended the transaction; the first error is the one that counts.
    await connection.run('rollback').catch(() => undefined);
    throw error;
  }
};
