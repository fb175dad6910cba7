import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LogKey } from '@millrace/kernel';
import { newStream, sampleEvent, sampleLog, single } from './event-store.conformance.ts';
import type { PgEventStore } from './index.ts';
import { GrantedDatabase } from './testing.ts';

let database: GrantedDatabase;
let store: PgEventStore;
beforeAll(async () => {
  database = await GrantedDatabase.make();
  const [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
  store = database.store(service);
});
afterAll(() => database.drop());

/** A log of `events` events from which these positions were removed by the owner, who can. */
const logWithout = async (events: number, ...removed: number[]): Promise<LogKey> => {
  const log = sampleLog();
  await store.append(log, Array.from({ length: events }, () => single(log)));
  await database.owner('DELETE FROM millrace.event WHERE tenant = $1 AND position = ANY ($2)', [log.tenant, removed]);
  return log;
};
const missing = (position: number): unknown => expect.objectContaining({ kind: 'conflict', code: 'log-gap', details: { log: 'sales/0', position } });

describe('a missing position', () => {
  it.each([
    ['in the middle', [4], { after: 0, limit: 10 }, 4], ['at the beginning', [1, 2], { after: 0, limit: 10 }, 1], ['right after the page', [4], { after: 3, limit: 1 }, 4],
    ['wider than the page', [4, 5, 6, 7], { after: 3, limit: 2 }, 4], ['under a filter', [4], { after: 0, limit: 10, type: 'sales.order.placed' }, 4],
    ['under a filter nothing fits', [4, 6], { after: 0, limit: 10, subject: 'nobody' }, 4], ['under a filter no event can fit', [4], { after: 0, limit: 10, subject: '\0' }, 4],
  ] as const)('%s is an error that names it', async (_, removed, request, position) => {
    const log = await logWithout(9, ...removed);
    await expect(store.readPage(log, request)).rejects.toEqual(missing(position));
  });

  it('ends reading on, after the pages before it', async () => {
    const log = await logWithout(9, 5);
    const seen: number[] = [];
    const reading = async (): Promise<void> => { for await (const page of store.pages(log, { after: 0, limit: 2 })) seen.push(...page.events.map((event) => event.position)); };
    await expect(reading()).rejects.toEqual(missing(5));
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('is not taken for the end of the log by a plain read', async () => {
    const log = await logWithout(3, 2);
    await expect(store.read(log, 1, 1)).rejects.toEqual(missing(2));
  });

  it('is no error at the end: there is nothing to tell it by', async () => {
    const log = await logWithout(5, 5);
    expect(await store.readPage(log, { after: 0, limit: 10 })).toMatchObject({ through: 4 });
  });

  it('of a stream is an error that names the version', async () => {
    const log = sampleLog();
    const stream = newStream(log);
    await store.append(log, [{ stream, expectedVersion: 0, events: Array.from({ length: 4 }, () => sampleEvent(log, stream)) }]);
    await database.owner('DELETE FROM millrace.event WHERE tenant = $1 AND stream_version = 2', [log.tenant]);
    await expect(store.readStream(log.tenant, stream, 0, 10)).rejects.toMatchObject({ kind: 'conflict', code: 'stream-gap', details: { version: 2 } });
  });
});

describe('a reader', () => {
  it('misses nothing while the log grows', async () => {
    const log = sampleLog();
    let [after, writing] = [0, true];
    const writer = (async () => {
      for (let n = 0; n < 40; n += 1) await Promise.all([1, 2, 3].map(() => store.append(log, [single(log), single(log)])));
      writing = false;
    })();
    while (writing || after < 240) {
      const page = await store.readPage(log, { after, limit: 50 });
      expect(page.events.map((event) => event.position)).toEqual(page.events.map((_, index) => after + index + 1));
      after = page.through;
    }
    await writer;
    expect(after).toBe(240);
  });

  it('is refused what is no position, before anything is asked', async () => {
    for (const after of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) await expect(store.readPage(sampleLog(), { after, limit: 1 })).rejects.toMatchObject({ kind: 'invalid', code: 'position-malformed' });
    await expect(store.readStream('t', 'sales.order/1', 0.5, 1)).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('lets its connection live after an error in the middle of a copy', async () => {
    const log = await logWithout(3, 1);
    for (let n = 0; n < 20; n += 1) await expect(store.readPage(log, { after: 0, limit: 5 })).rejects.toEqual(missing(1));
    expect((await store.readPage(log, { after: 1, limit: 5 })).events).toHaveLength(2);
  });
});
