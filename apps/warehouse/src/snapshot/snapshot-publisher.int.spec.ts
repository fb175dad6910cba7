import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredEvent } from '@millrace/kernel';
import { batchOf, order, storedLogs, type SampleEvent } from '../fixtures/sample-log.ts';
import { SampleWarehouse } from '../fixtures/sample-warehouse.ts';
import type { SnapshotManifest } from './snapshot-manifest.ts';

let warehouse: SampleWarehouse;
beforeEach(async () => { warehouse = await SampleWarehouse.open(); });
afterEach(() => warehouse.remove());

const orders = (from: number, to: number): SampleEvent[] => Array.from({ length: to - from + 1 }, (_, n) => order('placed', `o${from + n}`, '2026-01-01T00:00:00Z', [['p1', 1, '1.01']]));
const stored = (count: number, tenant = 'shop', epoch?: number): StoredEvent[] => storedLogs(tenant, orders(1, count), epoch).get('sales/0') ?? [];
const folder = (tenant = 'shop'): string => join(warehouse.dir, 'published', warehouse.database.instance, `tenant=${tenant}`);
const manifest = async (tenant = 'shop'): Promise<SnapshotManifest> => JSON.parse(await readFile(join(folder(tenant), 'manifest.json'), 'utf8'));
const ranges = async (tenant = 'shop'): Promise<[number, number, number][]> => ((await manifest(tenant)).tables['order_line'] ?? []).map(({ first, last, rows }) => [first, last, rows]);
const files = async (): Promise<string[]> => (await readdir(folder(), { recursive: true })).filter((name) => name.endsWith('.parquet')).toSorted();
const publish = async (tenant = 'shop'): Promise<void> => { await (await warehouse.publisher.lease(tenant)).release(); };
const countIn = (path: string): Promise<unknown> => warehouse.database.snapshot(async (tx) => (await tx.runAndReadAll('select count(*)::integer, count(distinct position)::integer, any_value(tenant) from read_parquet($1, hive_partitioning = false)', [path])).getRows());

describe('a publication', () => {
  it('writes new positions only, each once, and says what it holds', async () => {
    const events = stored(9);
    await warehouse.loadLog(events.slice(0, 4));
    await publish();
    const before = await files();
    await warehouse.loadLog(events.slice(4));
    await publish();
    expect(await ranges()).toEqual([[1, 4, 4], [5, 9, 5]]);
    expect((await files()).filter((name) => before.includes(name))).toEqual(before);
    expect(await manifest()).toMatchObject({ format: 1, tenant: 'shop', instance: warehouse.database.instance, publishedAt: '2026-03-01T00:00:00.000Z', asOf: { 'sales/0': 9 } });
    expect(await countIn(join(folder(), 'order_line/*/*.parquet'))).toEqual([[9, 9, 'shop']]);
  });

  it('of a log that was taken out holds nothing of it, and then the log as it is loaded anew', async () => {
    await warehouse.loadLog(stored(9));
    await publish();
    const before = await files();
    await warehouse.loader.reset(stored(1)[0]!.log);
    await publish();
    expect([await ranges(), (await manifest()).asOf, await files()]).toEqual([[], {}, []]);
    await warehouse.loadLog(stored(4, 'shop', 1_763_999_999));
    await publish();
    expect([await ranges(), (await manifest()).epochs]).toEqual([[[1, 4, 4]], { 'sales/0': 1_763_999_999 }]);
    expect((await files()).filter((name) => before.includes(name))).toEqual([]);
  });

  it('of nothing new writes nothing', async () => {
    await warehouse.loadLog(stored(3));
    await publish();
    const [before, at] = [await files(), await readFile(join(folder(), 'manifest.json'))];
    await publish();
    expect([await files(), await readFile(join(folder(), 'manifest.json'))]).toEqual([before, at]);
  });

  it('happens once for all who ask at the same time', async () => {
    await warehouse.loadLog(stored(3));
    const leases = await Promise.all(Array.from({ length: 5 }, () => warehouse.publisher.lease('shop')));
    expect(new Set(leases.map((lease) => lease.files.join())).size).toBe(1);
    expect(await ranges()).toEqual([[1, 3, 3]]);
    await Promise.all(leases.map((lease) => lease.release()));
  });

  it('covers positions that have no rows: the vector still moves', async () => {
    const payments = Array.from({ length: 3 }, (_, n): SampleEvent => ({ type: 'sales.payment.captured', id: `p${n}`, time: '2026-01-01T00:00:00Z', data: {} }));
    await warehouse.load('shop', [...payments, ...orders(1, 1)], 3);
    await publish();
    expect([await ranges(), (await manifest()).asOf]).toEqual([[[1, 4, 1]], { 'sales/0': 4 }]);
  });

  it('cuts at blocks of ten thousand, and makes one file of a block once it is full', async () => {
    const events = stored(10_004);
    await warehouse.loadLog(events.slice(0, 9_990), 5000);
    await publish();
    await warehouse.loadLog(events.slice(9_990), 5000);
    await publish();
    expect(await ranges()).toEqual([[1, 10_000, 10_000], [10_001, 10_004, 4]]);
    expect(await files()).toHaveLength((await ranges()).length);
  });

  it('of one tenant holds no row of another', async () => {
    await Promise.all([warehouse.loadLog(stored(3)), warehouse.loadLog(stored(2, 'other'))]);
    await Promise.all([publish(), publish('other')]);
    expect(await countIn(join(folder(), 'order_line/*/*.parquet'))).toEqual([[3, 3, 'shop']]);
    expect(await countIn(join(folder('other'), 'order_line/*/*.parquet'))).toEqual([[2, 2, 'other']]);
  });

  it('that fails leaves the last one in force, and the next one makes up for it', async () => {
    const events = stored(5);
    await warehouse.loadLog(events.slice(0, 2));
    await publish();
    await warehouse.loadLog(events.slice(2));
    const blocked = join(folder(), 'order_line');
    const kept = await readdir(blocked, { recursive: true });
    await rm(blocked, { recursive: true });
    await writeFile(blocked, 'a file where a folder should be');
    await expect(warehouse.publisher.lease('shop')).rejects.toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) });
    expect((await manifest()).asOf).toEqual({ 'sales/0': 2 });
    expect(kept.length).toBeGreaterThan(0);
    await rm(blocked);
    await publish();
    expect((await manifest()).asOf).toEqual({ 'sales/0': 5 });
  });

  it('after a new epoch holds the new one\'s rows alone', async () => {
    await warehouse.loadLog(stored(3));
    await publish();
    await warehouse.database.transaction((tx) => tx.run('delete from load_position')); // what a rebuild after `recover` begins with
    const renewed = stored(2, 'shop', 1_800_000_000);
    await warehouse.loader.apply(batchOf(renewed));
    expect(await warehouse.ask('select count(*) as n, min(epoch) as epoch from order_line')).toMatchObject({ asOf: { 'sales/0': 2 }, rows: [{ n: 2, epoch: 1_800_000_000 }] });
    expect(await files()).toHaveLength(1);
  });
});

describe('a lease', () => {
  it('names the tenant\'s files and nothing else', async () => {
    await Promise.all([warehouse.loadLog(stored(2)), warehouse.loadLog(stored(2, 'other'))]);
    await publish('other');
    const lease = await warehouse.publisher.lease('shop');
    expect(lease.files.every((file) => file.startsWith(`${folder()}/`))).toBe(true);
    expect(lease.views.map((view) => view.sql).join()).not.toContain('tenant=other');
    await lease.release();
  });

  it('of an older state keeps its files until it is given back, and no longer', async () => {
    const events = stored(20);
    await warehouse.loadLog(events.slice(0, 1));
    const old = await warehouse.publisher.lease('shop');
    const newer = [];
    for (let n = 1; n < 20; n += 1) {
      await warehouse.loadLog(events.slice(n, n + 1));
      newer.push(await warehouse.publisher.lease('shop'));
    }
    for (const lease of newer) await lease.release();
    const relative = old.files.map((file) => file.slice(folder().length + 1));
    expect((await files()).filter((name) => relative.includes(name))).toEqual(relative);
    await old.release();
    expect((await files()).filter((name) => relative.includes(name))).toEqual([]);
    expect((await files()).length).toBe((await ranges()).length);
  });
});
