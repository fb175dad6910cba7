import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WarehouseDatabase } from './warehouse-database.ts';

let dir: string;
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'millrace-duckdb-')); });
afterEach(() => rm(dir, { recursive: true }));

const HOOK = new URL('../../../../tools/swc-hook.mjs', import.meta.url).href;
const count = 'select count(*) from load_position';
const insert = 'insert into load_position (tenant, position) values (\'t\', 1)';
const counted = (database: WarehouseDatabase): Promise<unknown> => database.snapshot(async (tx) => (await tx.runAndReadAll(count)).getRowsJson());

describe('the one owner', () => {
  it('keeps a second process out and says why', async () => {
    const database = await WarehouseDatabase.open(dir);
    const other: ChildProcess = fork(new URL('../fixtures/load-process.ts', import.meta.url), [dir], { execArgv: ['--conditions=source', '--import', HOOK], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let said = '';
    other.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    expect(await new Promise((resolve) => { other.once('close', resolve); })).not.toBe(0);
    expect(said).toContain('Another process has the warehouse file open; it can have one owner.');
    await database.close();
  });

  it('can be followed by another', async () => {
    const first = await WarehouseDatabase.open(dir);
    await first.transaction((tx) => tx.run(insert));
    const { instance } = first;
    await first.close();
    const second = await WarehouseDatabase.open(dir);
    expect([second.instance, await counted(second)]).toEqual([instance, [['1']]]);
    await second.close();
  });
});

it('gives a file of before reasons their column in every build, and publishes it anew', async () => {
  const old = await WarehouseDatabase.open(dir);
  await old.exclusively(async (connection) => {
    await connection.run('create schema star_b2; create table star_b2.order_line as from order_line; create table star_b2.product_fact as from product_fact');
    await connection.run(`insert into star_build values (2, 1, 'star_b2', 'ready', 0, true, null)`);
    for (const schema of ['main', 'star_b2']) await connection.run(`alter table ${schema}.order_line drop column reason; alter table ${schema}.product_fact drop column valid_from; insert into ${schema}.order_line (position) values (1)`);
  });
  await old.close();
  for (const opened of [1, 2]) {
    const database = await WarehouseDatabase.open(dir);
    for (const schema of ['main', 'star_b2']) {
      expect(await database.snapshot(async (tx) => (await tx.runAndReadAll(`select position, reason from ${schema}.order_line`)).getRowsJson())).toEqual([['1', null]]);
      expect(await database.snapshot(async (tx) => (await tx.runAndReadAll(`select valid_from from ${schema}.product_fact`)).columnNames())).toEqual(['valid_from']);
    }
    expect([opened, database.star.revision]).toEqual([opened, 1]);
    await database.close();
  }
});

describe('transactions', () => {
  let database: WarehouseDatabase;
  beforeEach(async () => { database = await WarehouseDatabase.open(dir); });
  afterEach(() => database.close());

  it('come one after the other, whoever starts them', async () => {
    const steps: string[] = [];
    await Promise.all(['a', 'b', 'c'].map((name) => database.transaction(async (tx) => {
      steps.push(`${name} begins`);
      await tx.run(insert);
      steps.push(`${name} ends`);
    })));
    expect(steps).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect(await counted(database)).toEqual([['3']]);
  });

  it('leave nothing when they fail, and let the next one through', async () => {
    const failing = database.transaction(async (tx) => {
      await tx.run(insert);
      await tx.run('select nosuch');
    });
    const next = database.transaction((tx) => tx.run(insert));
    await expect(failing).rejects.toThrow(/nosuch/);
    await next;
    expect(await counted(database)).toEqual([['1']]);
  });

  it('are not seen by a snapshot that began before them', async () => {
    await database.snapshot(async (tx) => {
      expect((await tx.runAndReadAll(count)).getRowsJson()).toEqual([['0']]);
      await database.transaction((write) => write.run(insert));
      await database.ping();
      expect((await tx.runAndReadAll(count)).getRowsJson()).toEqual([['0']]);
    });
    expect(await counted(database)).toEqual([['1']]);
  });

  it('that only read keep nothing of what they did', async () => {
    await database.snapshot((tx) => tx.run(insert));
    expect(await counted(database)).toEqual([['0']]);
  });

  it('survive memory being given back between them', async () => {
    await Promise.all([database.transaction((tx) => tx.run(insert)), database.giveBackMemory(), database.transaction((tx) => tx.run(insert))]);
    expect(await counted(database)).toEqual([['2']]);
  });
});
