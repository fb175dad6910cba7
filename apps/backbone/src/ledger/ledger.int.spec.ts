import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { renewEpoch } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { extensionOf, hashLeaf, openCheckpoint, TileTree, verifyConsistency, verifyInclusion } from '@millrace/ledger';
import { eventually, freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { prepared, unitsOf } from '../testing.ts';
import { LedgerBench, strangerKey, trusted } from './testing.ts';
import { proveConsistency, proveInclusion } from './tile-reader.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
let database: TestDatabase;
let bench: LedgerBench;

beforeEach(async () => {
  database = await freshDatabase({ template: 'backbone', migrate: prepared });
  bench = await LedgerBench.make(database);
});
afterEach(async () => {
  await bench.close();
  await database.drop();
});

const owner = (sql: string, values: unknown[] = []): Promise<unknown> => withClient(database.url, (client) => client.query(sql, values));
const grow = (count: number): Promise<unknown> => bench.append(log, unitsOf(log, count));
const epochOf = async (): Promise<number> => (await bench.events.head(log))!.epoch;
const origin = async () => ({ ...log, epoch: await epochOf() });
const last = async (cosigned = true) => {
  const stored = await bench.store.lastCheckpoint(log, await epochOf(), cosigned);
  return stored && openCheckpoint(stored.note, cosigned ? trusted : { log: trusted.log });
};

describe('a log\'s tree', () => {
  it('is signed and cosigned up to the head, over the leaves as they are', async () => {
    await grow(600);
    expect(await bench.settle(log)).toMatchObject({ head: 600, size: 600, cosigned: 600, state: 'building' });
    const events = await bench.events.read(log, 0, 1000);
    const tree = new TileTree();
    tree.append(Buffer.concat(events.map(({ leaf }) => leaf)));
    expect(await last()).toMatchObject({ size: 600, root: tree.root(), origin: `millrace/shop/sales/0/${await epochOf()}` });
  });

  it('goes on where another process left it, and proves what it holds', async () => {
    for (const count of [5, 300, 512]) {
      await grow(count);
      await bench.settle(log);
    }
    const checkpoint = (await last())!;
    const [event] = await bench.events.read(log, 299, 1);
    expect(verifyInclusion(299, 817, event!.leaf, checkpoint.root, await proveInclusion(bench.store, await origin(), 299, 817))).toBe(true);
    const { rows } = await withClient(database.url, (client) => client.query<{ size: string; root: Buffer }>('select size, root from millrace.ledger_checkpoint order by size'));
    for (const { size, root } of rows) expect(verifyConsistency(Number(size), 817, root, checkpoint.root, await proveConsistency(bench.store, await origin(), Number(size), 817)) || Number(size) === 817).toBe(true);
  });

  it('leaves its hashes outside of the database, and again when they were lost', async () => {
    await grow(300);
    await bench.settle(log);
    const mirrored = await bench.mirror.read(await origin(), 0, 300);
    const events = await bench.events.read(log, 0, 1000);
    expect(Buffer.from(mirrored)).toEqual(Buffer.concat(events.map(({ leaf }) => leaf)));
    await bench.mirror.write(await origin(), 0, Buffer.alloc(0));
    await grow(1);
    await bench.settle(log);
    expect(await bench.mirror.size(await origin())).toBe(301);
  });

  it('keeps of one minute the last cosigned checkpoint, and none that was not cosigned', async () => {
    for (let n = 0; n < 3; n += 1) {
      await grow(2);
      await bench.settle(log);
    }
    const { rows } = await withClient(database.url, (client) => client.query<{ n: string }>("select count(*) as n from millrace.ledger_checkpoint where not cosigned or size < 6 and made_at > now() - interval '1 second'"));
    expect(Number(rows[0]?.n)).toBeLessThanOrEqual(1);
    expect(await last()).toMatchObject({ size: 6 });
  });
});

describe('a witness that is away', () => {
  it('does not stop the tree; what it missed is cosigned when it is back', async () => {
    bench.witness.isAway = true;
    const keeper = bench.keeper();
    await grow(10);
    expect(await bench.settle(log, keeper)).toMatchObject({ size: 10, cosigned: 0, state: 'building', reason: 'the witness is away: told to be' });
    bench.witness.isAway = false;
    expect(await bench.settle(log)).toMatchObject({ size: 10, cosigned: 10 });
  });

  it('that cosigned without our hearing of it is asked again', async () => {
    await grow(10);
    await bench.settle(log);
    await owner('update millrace.ledger_checkpoint set cosigned = false');
    expect(await bench.settle(log)).toMatchObject({ cosigned: 10, state: 'building' });
  });
});

describe('a tree refuses to go on, as diverged,', () => {
  beforeEach(async () => {
    await grow(300);
    await bench.settle(log);
  });
  const forgetLedger = async (): Promise<void> => {
    await owner('delete from millrace.ledger_checkpoint');
    await owner('delete from millrace.ledger_tile');
  };
  const OTHER = hashLeaf(Buffer.from('x'));

  it.each<[string, RegExp, () => Promise<unknown>]>([
    ['the log is shorter than it', /ends at 200, its signed tree holds 300 leaves/, () => owner('delete from millrace.event where position > 200')],
    ['its last event is another one', /position 300 is another one/, async () => {
      await owner('update millrace.event set leaf = $1 where position = 300', [OTHER]);
      await grow(1);
    }],
    ['a position is missing', /are missing/, async () => {
      await grow(5);
      await owner('delete from millrace.event where position = 302');
    }],
    ['its tiles are not what was signed', /do not give the root/, () =>
      owner('update millrace.ledger_tile set hashes = overlay(hashes placing $1 from 1) where level = 1', [OTHER])],
    ['its checkpoint bears another key', /another key/, async () => {
      await forgetLedger();
      await bench.settle(log, bench.keeper(strangerKey));
    }],
    ['the witness has seen a longer one', /the witness has cosigned another tree of 300 leaves/, async () => {
      await forgetLedger();
      await owner('delete from millrace.event where position > 200');
    }],
    ['the witness has seen another one', /refuses the tree of 305 leaves/, async () => {
      await forgetLedger();
      await owner('update millrace.event set leaf = $1 where position = 5', [OTHER]);
      await grow(5);
    }],
  ])('when %s', async (_, reason, alter) => {
    await alter();
    const status = await bench.settle(log);
    expect(status.state).toBe('diverged');
    expect(status.reason).toMatch(reason);
  });
});

describe('a new epoch of an event database put back to an older copy', () => {
  /** Nine leaves cosigned, of which the database has forgotten all, then a new epoch with one event more. */
  const putBack = async (): Promise<number> => {
    await grow(9);
    await bench.settle(log);
    const before = await epochOf();
    await owner('delete from millrace.ledger_checkpoint');
    await withClient(database.url, (client) => renewEpoch(client, log));
    await expect(grow(1)).rejects.toMatchObject({ code: 'epoch-renewed' });
    await grow(1);
    return before;
  };

  it('names the last checkpoint that the witness cosigned, which the database has lost', async () => {
    const before = await putBack();
    expect(await bench.settle(log)).toMatchObject({ size: 10, cosigned: 10, state: 'building' });
    expect(extensionOf((await last())!)).toMatchObject({ origin: `millrace/shop/sales/0/${before}`, size: 9 });
  });

  it('names it as soon as the witness is back, without another event', async () => {
    const before = await putBack();
    bench.witness.isAway = true;
    const keeper = bench.keeper();
    await eventually('a checkpoint that nobody cosigned', async () => {
      await keeper.round();
      return (await last(false))?.size === 10;
    });
    expect(extensionOf((await last(false))!)).toBeUndefined();
    bench.witness.isAway = false;
    expect(await bench.settle(log)).toMatchObject({ size: 10, cosigned: 10, state: 'building' });
    expect(extensionOf((await last())!)).toMatchObject({ origin: `millrace/shop/sales/0/${before}`, size: 9 });
  });
});

describe('a new epoch', () => {
  it('begins the tree again, from position 1, naming the last cosigned checkpoint of the old', async () => {
    await grow(300);
    await bench.settle(log);
    const before = (await last())!;
    await owner('delete from millrace.event where position > 250');
    await withClient(database.url, (client) => renewEpoch(client, log));
    await expect(grow(1)).rejects.toMatchObject({ code: 'epoch-renewed' });
    await grow(4);
    expect(await bench.settle(log)).toMatchObject({ size: 254, cosigned: 254, state: 'building' });
    const after = (await last())!;
    expect(after.origin).not.toBe(before.origin);
    expect(extensionOf(after)).toEqual({ origin: before.origin, size: before.size, root: before.root });
    await grow(4);
    await bench.settle(log);
    expect(extensionOf((await last())!)).toBeUndefined();
  });
});

describe('the functions of the ledger', () => {
  let at: { from: number; size: number };
  beforeEach(async () => {
    await grow(3);
    await bench.settle(log);
    at = { from: 3, size: 4 };
  });
  const extend = async (tiles: { level: number; index: number; hashes: Uint8Array }[], where = at) =>
    bench.store.extend(log, { epoch: await epochOf(), ...where, root: Buffer.alloc(32), note: 'n', tiles });

  it('refuse a builder that comes second', async () => {
    await expect(extend([], { from: 2, size: 4 })).rejects.toMatchObject({ code: 'ledger-moved' });
  });
  it('refuse to change a hash that stands in a tile', async () => {
    await expect(extend([{ level: 0, index: 0, hashes: Buffer.alloc(128) }])).rejects.toMatchObject({ code: 'ledger-tile-differs' });
    expect(await last()).toMatchObject({ size: 3 });
  });
  it('are closed to services that are not granted them', async () => {
    const { PgLedgerStore, roleOf } = await import('@millrace/event-store');
    const store = PgLedgerStore.connect({ url: database.urlAs(roleOf('ingestion'), 'for-this-run'), applicationName: 'spec' });
    await expect(store.leaves(log, 0, 1)).rejects.toMatchObject({ code: 'not-granted' });
    await expect(store.lastCheckpoint(log, 1)).rejects.toMatchObject({ code: 'not-granted' });
    await store.close();
  });
});
