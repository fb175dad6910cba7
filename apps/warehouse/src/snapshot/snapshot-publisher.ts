import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { logName, type AsOf, type Clock, type Tenant } from '@millrace/kernel';
import { removeOrphans, writeDurably } from '../duckdb/durable-file.ts';
import { columnList } from '../duckdb/table-definition.ts';
import { activeStar, type WarehouseDatabase } from '../duckdb/warehouse-database.ts';
import { fileNameOf, publicationOf } from '../lake/position-range.rule.ts';
import { marksOf } from '../load/load-position.ts';
import { parkedOf } from '../load/parked-events.ts';
import { STAR_TABLES, type StarTable } from '../star/star-tables.ts';
import { emptyManifest, readManifest, type PublishedFile, type SnapshotManifest } from './snapshot-manifest.ts';
import { starViews, type StarView } from './star-view.ts';

/** A snapshot in use: its files stay until `release`. */
export interface SnapshotLease {
  readonly asOf: AsOf;
  /** How many events up to those positions are parked, by log; logs without any are not named. */
  readonly parked: Readonly<Record<string, number>>;
  readonly views: readonly StarView[];
  readonly files: readonly string[];
  release(): Promise<void>;
}

interface Published {
  readonly manifest: SnapshotManifest;
  readonly generation: number;
}

/** Rows published between two times that freed memory is given back. */
const GIVE_BACK_ROWS = 100_000;

type Mark = Awaited<ReturnType<typeof marksOf>>[number];

/**
 * Publishes a tenant's star as immutable Parquet files and a manifest. Rows are only ever added, so a publication writes the positions that
 * are new and merges small files; it holds nothing of another tenant. Files a newer manifest no longer names go when the last query that reads them ends.
 */
export class SnapshotPublisher {
  private readonly root: string;
  private readonly published = new Map<Tenant, Published>();
  private readonly publishing = new Map<Tenant, Promise<unknown>>();
  private readonly leases = new Map<number, number>();
  private obsolete: { readonly path: string; readonly generation: number }[] = [];
  private generation = 0;
  private writtenRows = 0;

  constructor(private readonly database: WarehouseDatabase, dataDir: string, private readonly clock: Clock) {
    this.root = join(dataDir, 'published');
  }

  /** At start: removes what no manifest names, and all that was published from another warehouse file. */
  async removeOrphans(): Promise<number> {
    const known = new Set<string>();
    const folder = join(this.root, this.database.instance);
    for (const name of await readdir(folder).catch(() => [])) {
      const manifest = await readManifest(join(folder, name, 'manifest.json'), this.database.instance);
      if (!manifest) continue;
      known.add(join(folder, name, 'manifest.json'));
      for (const path of Object.values(manifest.tables).flat().map((file) => file.path)) known.add(join(folder, name, path));
    }
    return removeOrphans(this.root, known);
  }

  /** The tenant's star with everything that was loaded when this was called. Calls for one tenant run one after the other. */
  async lease(tenant: Tenant): Promise<SnapshotLease> {
    const before = this.publishing.get(tenant) ?? Promise.resolve();
    const turn = before.then(() => this.current(tenant), () => this.current(tenant));
    this.publishing.set(tenant, turn);
    const { manifest, generation } = await turn.finally(() => {
      if (this.publishing.get(tenant) === turn) this.publishing.delete(tenant);
    });
    const folder = this.folderOf(tenant);
    const filesOf = (table: string): string[] => (manifest.tables[table] ?? []).map((file) => join(folder, file.path));
    return { asOf: manifest.asOf, parked: manifest.parked, views: starViews(filesOf, this.clock.now()), files: Object.keys(manifest.tables).flatMap(filesOf), release: () => this.release(generation) };
  }

  private async current(tenant: Tenant): Promise<Published> {
    const old = this.published.get(tenant) ?? { manifest: (await readManifest(this.manifestOf(tenant), this.database.instance)) ?? emptyManifest(this.database.instance, tenant), generation: this.generation };
    const manifest = await this.database.snapshot((tx) => this.publish(tx, old.manifest));
    if (this.writtenRows > GIVE_BACK_ROWS) {
      this.writtenRows = 0;
      await this.database.giveBackMemory();
    }
    if (manifest !== old.manifest) this.generation += 1;
    const published = manifest === old.manifest ? old : { manifest, generation: this.generation };
    // A tenant nobody has heard of leaves no trace here.
    if (Object.keys(manifest.asOf).length > 0) this.published.set(tenant, published);
    this.leases.set(published.generation, (this.leases.get(published.generation) ?? 0) + 1);
    return published;
  }

  /** The same manifest when nothing was loaded since. */
  private async publish(tx: DuckDBConnection, old: SnapshotManifest): Promise<SnapshotManifest> {
    const marks = await marksOf(tx, old.tenant);
    // A log that was published and is loaded no more was reset: what it published goes with this publication.
    const gone = Object.keys(old.asOf).filter((name) => !marks.some(({ log }) => logName(log) === name));
    const star = await activeStar(tx);
    const build = `${star.build}.${star.revision}`;
    if (build === old.build && gone.length === 0 && marks.every(({ log, mark }) => old.asOf[logName(log)] === mark.position && old.epochs[logName(log)] === mark.epoch)) return old;
    const tables: Record<string, PublishedFile[]> = {};
    const dropped: PublishedFile[] = [];
    for (const table of STAR_TABLES) {
      tables[table.name] = [];
      dropped.push(...(old.tables[table.name] ?? []).filter((file) => gone.includes(file.log)));
      for (const mark of marks.filter(({ log }) => log.context === table.context)) {
        const existing = (old.tables[table.name] ?? []).filter((file) => file.log === logName(mark.log));
        // Another epoch's positions say nothing about this one's.
        const same = existing.filter((file) => file.epoch === mark.mark.epoch && build === old.build);
        const { write, keep, drop } = publicationOf(same, mark.mark.position);
        const written: PublishedFile[] = [];
        for (const range of write) written.push(await this.writeFile(tx, old.tenant, table, build, mark, range));
        tables[table.name]?.push(...[...keep, ...written].toSorted((a, b) => a.first - b.first));
        dropped.push(...drop, ...existing.filter((file) => !same.includes(file)));
      }
    }
    const manifest: SnapshotManifest = {
      ...old, build, tables, parked: await parkedOf(tx, old.tenant), publishedAt: this.clock.now().toISOString(),
      asOf: Object.fromEntries(marks.map(({ log, mark }) => [logName(log), mark.position])), epochs: Object.fromEntries(marks.map(({ log, mark }) => [logName(log), mark.epoch])),
    };
    await writeDurably(this.manifestOf(old.tenant), (temporary) => writeFile(temporary, JSON.stringify(manifest)));
    this.obsolete.push(...dropped.map(({ path }) => ({ path: join(this.folderOf(old.tenant), path), generation: this.generation })));
    return manifest;
  }

  private async writeFile(tx: DuckDBConnection, tenant: Tenant, table: StarTable, build: string, { log, mark }: Mark, { first, last }: { first: number; last: number }): Promise<PublishedFile> {
    const path = join(table.name, `${log.context}-${log.shard}-${mark.epoch}-${build}`, fileNameOf({ first, last }));
    const rows = `from ${table.name} where tenant = $2 and log = $3 and epoch = $4 and position between $5 and $6`;
    const parameters = [tenant, logName(log), BigInt(mark.epoch), BigInt(first), BigInt(last)];
    // DuckDB keeps insertion order, which is that of positions: sorting would only cost memory.
    let count = 0;
    await writeDurably(join(this.folderOf(tenant), path), async (temporary) => {
      const result = await tx.run(`copy (select ${columnList(table)} ${rows}) to $1 (format parquet, compression zstd)`, [temporary, ...parameters]);
      count = result.rowsChanged;
    });
    this.writtenRows += count;
    return { log: logName(log), epoch: mark.epoch, first, last, rows: count, path };
  }

  private async release(generation: number): Promise<void> {
    const left = (this.leases.get(generation) ?? 1) - 1;
    if (left > 0) this.leases.set(generation, left);
    else this.leases.delete(generation);
    const oldest = Math.min(Infinity, ...this.leases.keys());
    const removable = this.obsolete.filter((file) => file.generation < oldest);
    this.obsolete = this.obsolete.filter((file) => file.generation >= oldest);
    for (const { path } of removable) await rm(path, { force: true });
  }

  private folderOf(tenant: Tenant): string {
    return join(this.root, this.database.instance, `tenant=${tenant}`);
  }

  private manifestOf(tenant: Tenant): string {
    return join(this.folderOf(tenant), 'manifest.json');
  }
}
